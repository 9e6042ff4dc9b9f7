"""The views of a run database: a run as people ask for it, in columns.

A view holds no data, so its text may change without a new format of the database
(:func:`emulator.log.schema.refresh`). Those about events have ``run`` and ``phone``; a fork has the events of its
parent too. Times are in seconds of virtual time, unless the name of the column says otherwise.

What belongs together is found by the order of events; ``cause`` has no index. So a view costs as much
as the events of the runs that are asked for.
"""

from __future__ import annotations

_PROTOCOL = """CASE
            WHEN 5060 IN (source_port, port) THEN 'SIP'
            WHEN 67 IN (source_port, port) THEN 'DHCP'
            WHEN 547 IN (source_port, port) THEN 'DHCPv6'
            WHEN 123 IN (source_port, port) THEN 'SNTP'
            WHEN port = 514 THEN 'syslog'
            WHEN port = 69 THEN 'TFTP'
            WHEN substr(payload, 1, 10) IN ('base64:AAM', 'base64:AAQ', 'base64:AAU', 'base64:AAY') THEN 'TFTP'
            ELSE 'UDP' END"""
"""By port; the packets of a TFTP transfer, which is between ports of nobody, by how they begin."""
_MESSAGE = """CASE
            WHEN 5060 IN (source_port, port) THEN substr(payload, 1, instr(payload, char(13)) - 1)
            WHEN 67 IN (source_port, port) THEN CASE substr(payload, 328, 4)
                WHEN 'NQEB' THEN 'DISCOVER' WHEN 'NQEC' THEN 'OFFER' WHEN 'NQED' THEN 'REQUEST'
                WHEN 'NQEE' THEN 'DECLINE' WHEN 'NQEF' THEN 'ACK' WHEN 'NQEG' THEN 'NAK'
                WHEN 'NQEH' THEN 'RELEASE' WHEN 'NQEI' THEN 'INFORM' END
            WHEN port = 514 THEN payload
            ELSE CASE substr(payload, 1, 10)
                WHEN 'base64:AAE' THEN 'RRQ' WHEN 'base64:AAM' THEN 'DATA' WHEN 'base64:AAQ' THEN 'ACK'
                WHEN 'base64:AAU' THEN 'ERROR' WHEN 'base64:AAY' THEN 'OACK' END END"""
"""What a packet says of itself: a SIP start line, the type of a DHCP message (option 53, where it is the first), a line
of syslog, the operation of TFTP. In base64, three bytes are four characters."""

VIEWS = {
    "lineage": """
        WITH RECURSIVE lineage(run, source, low, high) AS (
            SELECT id, id, upto, 9223372036854775807 FROM runs
            UNION
            SELECT l.run, r.parent, p.upto, min(l.high, r.upto) FROM lineage l
            JOIN runs r ON r.id = l.source JOIN runs p ON p.id = r.parent)
        SELECT * FROM lineage""",
    "run_events": """
        SELECT l.run AS run, e.n AS n, e.time AS time, e.due AS due, e.phone AS phone, e.kind AS kind,
            e.cause AS cause, e.because AS because, e.data AS data
        FROM lineage l JOIN events e ON e.run = l.source AND e.n > l.low AND e.n <= l.high""",
    "runs_overview": """
        SELECT id AS run, name AS scenario, json_extract(header, '$.title') AS title,
            json_extract(header, '$.seed') AS seed, json_extract(header, '$.phones') AS phones, events,
            coalesce((SELECT time FROM events e WHERE e.run = r.id ORDER BY n DESC LIMIT 1),
                (SELECT time FROM events e WHERE e.run = r.parent AND e.n = r.upto)) / 1e9 AS seconds,
            outcome, CASE WHEN seal IS NULL THEN 'open' ELSE 'finished' END AS state, parent, upto,
            json_extract(header, '$.world') AS world, json_extract(header, '$.version') AS version, created, digest
        FROM runs r WHERE hidden = 0""",
    "boots": """
        SELECT run, phone, n, time / 1e9 AS seconds, kind
        FROM run_events WHERE kind IN ('PowerOn', 'PowerOff', 'PowerLost', 'RestartOrdered', 'RunEnded')""",
    "provisioning_runs": """
        SELECT run, phone, n, ended, time / 1e9 AS seconds, json_extract(data, '$.trigger') AS started_by,
            json_extract(last, '$.outcome') AS outcome, json_extract(last, '$.source') AS source,
            json_extract(last, '$.changed') AS changed, json_extract(last, '$.failed') AS failed,
            (end_time - time) / 1e9 AS took, (end_time - power_on) / 1e9 AS since_power_on
        FROM (
            SELECT run, phone, n, time, kind, data, max(CASE kind WHEN 'PowerOn' THEN time END) OVER later AS power_on,
                CASE lead(kind) OVER later WHEN 'RunEnded' THEN lead(n) OVER later END AS ended,
                CASE lead(kind) OVER later WHEN 'RunEnded' THEN lead(data) OVER later END AS last,
                CASE lead(kind) OVER later WHEN 'RunEnded' THEN lead(time) OVER later END AS end_time
            FROM run_events
            WHERE kind IN ('PowerOn', 'PowerOff', 'PowerLost', 'RestartOrdered', 'RunStarted', 'RunEnded')
            WINDOW later AS (PARTITION BY run, phone ORDER BY n))
        WHERE kind = 'RunStarted'""",
    "provisioning_steps": """
        SELECT run, phone, n, time / 1e9 AS seconds, json_extract(data, '$.step') AS step,
            json_extract(data, '$.source') AS source, json_extract(data, '$.url') AS url
        FROM run_events WHERE kind = 'StepEntered'""",
    "sources_tried": """
        SELECT run, phone, n, time / 1e9 AS seconds, json_extract(data, '$.step') AS step,
            json_extract(data, '$.source') AS source, json_extract(data, '$.setting') AS setting,
            json_extract(data, '$.value') AS value, json_extract(data, '$.url') AS url,
            json_extract(data, '$.reason') AS reason
        FROM run_events WHERE kind = 'SourceTried'""",
    "downloads": """
        SELECT run, phone, n, ended, time / 1e9 AS seconds, (end_time - time) / 1e9 AS took, file,
            json_extract(last, '$.url') AS url, json_extract(last, '$.status') AS status,
            CASE json_extract(last, '$.reason') WHEN '' THEN 'complete' ELSE json_extract(last, '$.reason') END
                AS outcome
        FROM (
            SELECT run, phone, n, time, kind, json_extract(data, '$.file') AS file,
                CASE lead(kind) OVER later WHEN 'DownloadEnded' THEN lead(n) OVER later END AS ended,
                CASE lead(kind) OVER later WHEN 'DownloadEnded' THEN lead(data) OVER later END AS last,
                CASE lead(kind) OVER later WHEN 'DownloadEnded' THEN lead(time) OVER later END AS end_time
            FROM run_events WHERE kind IN ('DownloadOrdered', 'DownloadEnded')
            WINDOW later AS (PARTITION BY run, phone, json_extract(data, '$.file') ORDER BY n))
        WHERE kind = 'DownloadOrdered'""",
    "http_exchanges": """
        SELECT run, phone, n AS request, answer, time / 1e9 AS seconds, (end_time - time) / 1e6 AS milliseconds,
            json_extract(data, '$.name') AS file, json_extract(data, '$.host') AS host,
            json_extract(data, '$.target') AS target, json_extract(last, '$.status') AS status,
            json_extract(last, '$.end') AS end
        FROM (
            SELECT run, phone, n, time, kind, data,
                CASE lead(kind) OVER later WHEN 'HttpAnswered' THEN lead(n) OVER later END AS answer,
                CASE lead(kind) OVER later WHEN 'HttpAnswered' THEN lead(data) OVER later END AS last,
                CASE lead(kind) OVER later WHEN 'HttpAnswered' THEN lead(time) OVER later END AS end_time
            FROM run_events WHERE kind IN ('HttpRequested', 'HttpAnswered')
            WINDOW later AS (PARTITION BY run, phone, json_extract(data, '$.name') ORDER BY n))
        WHERE kind = 'HttpRequested'""",
    "packets": f"""
        SELECT run, phone, n, seconds, direction, {_PROTOCOL} AS protocol, source, source_port, destination, port,
            {_MESSAGE} AS message, payload
        FROM (
            SELECT run, phone, n, time / 1e9 AS seconds,
                CASE kind WHEN 'DatagramSent' THEN 'out' ELSE 'in' END AS direction,
                json_extract(data, '$.source') AS source, json_extract(data, '$.source_port') AS source_port,
                json_extract(data, '$.destination') AS destination, json_extract(data, '$.port') AS port,
                json_extract(data, '$.payload') AS payload
            FROM run_events WHERE kind IN ('DatagramSent', 'DatagramReceived'))""",
    "settings_changes": """
        SELECT run, phone, n, time / 1e9 AS seconds, json_extract(data, '$.key') AS key,
            json_extract(data, '$.layer') AS layer, json_extract(data, '$.value') AS value,
            json_extract(data, '$.perm') AS perm, json_extract(data, '$.origin') AS origin
        FROM run_events WHERE kind = 'SettingChanged'""",
    "flash_ops": """
        SELECT run, phone, n, time / 1e9 AS seconds, kind,
            coalesce(json_extract(data, '$.sector'), json_extract(data, '$.address') / 4096) AS sector,
            json_extract(data, '$.address') AS address,
            length(rtrim(json_extract(data, '$.data'), '=')) * 3 / 4 AS bytes, json_extract(data, '$.data') AS data
        FROM run_events WHERE kind IN ('FlashErased', 'FlashProgrammed', 'FlashTorn', 'FlashFailed')""",
    "refusals": """
        SELECT run, phone, n, time / 1e9 AS seconds, kind,
            coalesce(json_extract(data, '$.protocol'), json_extract(data, '$.file'), json_extract(data, '$.key'),
                json_extract(data, '$.what'), 'line ' || json_extract(data, '$.line')) AS what,
            coalesce(json_extract(data, '$.reason'), json_extract(data, '$.code')) AS reason
        FROM run_events WHERE kind IN ('PacketRefused', 'ToleranceUsed', 'FileRefused', 'ParameterSkipped',
            'SettingRefused', 'AccessRefused', 'LineRefused', 'FirmwareRefused', 'ClockRefused')""",
}
"""Name of a view to its text."""
