"""SIP PnP responders on 224.0.1.75:5060: kamailio with its uac module, and SIPp with scripts."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen
from attrs.validators import in_

from tools.lab.addresses import GATEWAY, PNP
from tools.lab.authority import Authority
from tools.lab.launch import Launch, Listens
from tools.lab.namespaces import GROUP, SERVER_SIDE


@frozen
class Kamailio:
    """kamailio: answers a SUBSCRIBE for ``ua-profile`` with 200 and sends a NOTIFY that holds ``url``."""

    url: str

    program = "kamailio"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, its log on stderr."""
        arguments = ("-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-Y", str(folder), "-m", "16", "-M", "4")
        listens = (Listens("udp", 5060, GROUP), Listens("udp", 5060, PNP))
        return Launch(arguments, {"kamailio.cfg": self.configuration()}, listens=listens)

    def configuration(self) -> str:
        """Answers leave from the unicast address: a source address cannot be a group."""
        return f"""#!KAMAILIO
debug=2
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
mcast="{SERVER_SIDE}"
listen=udp:{GROUP}:5060
listen=udp:{PNP}:5060
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "xlog.so"
loadmodule "uac.so"
modparam("uac", "restore_mode", "none")

request_route {{
    xlog("L_NOTICE", "$rm from $si:$sp: $hdr(Event)\\n");
    if (!is_method("SUBSCRIBE") || $(hdr(Event){{s.select,0,;}}) != "ua-profile") {{
        exit;
    }}
    force_send_socket(udp:{PNP}:5060);
    sl_send_reply("200", "OK");
    $uac_req(method) = "NOTIFY";
    $uac_req(ruri) = $(ct{{tobody.uri}});
    $uac_req(furi) = $tu;
    $uac_req(turi) = $fu;
    $uac_req(callid) = $ci;
    $uac_req(sock) = "udp:{PNP}:5060";
    $uac_req(hdrs) = "Event: ua-profile\\r\\nSubscription-State: terminated;reason=timeout\\r\\n"
        + "Contact: <sip:{PNP}:5060>\\r\\nContent-Type: application/url\\r\\n";
    $uac_req(body) = "{self.url}";
    uac_req_send();
}}
"""


OK = """  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:OWN:[local_port]>
    Expires: 0
    Content-Length: 0

  ]]></send>
"""
TRYING = """  <send><![CDATA[
    SIP/2.0 100 Trying
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
"""
AGAIN = """  <recv request="SUBSCRIBE" timeout="10000"/>
"""
CAREFUL = """  <send retrans="500"><![CDATA[
    NOTIFY [$contact] SIP/2.0
    Via: SIP/2.0/UDP OWN:[local_port];branch=[branch]
    From: <sip:pnp@OWN>;tag=[call_number]
    To: [$from]
    Call-ID: [call_id]
    CSeq: 1 NOTIFY
    Max-Forwards: 70
    Event: ua-profile
    Subscription-State: terminated;reason=timeout
    Contact: <sip:OWN:[local_port]>
    Content-Type: application/url
    Content-Length: [len]

    THE-URL
  ]]></send>
"""
CARELESS_LINES = (
    "NOTIFY [$contact] SIP/2.0",
    "v:SIP/2.0/UDP OWN:[local_port];branch=1-[call_number]",
    "f:sip:pnp@OWN",
    "t:[$from]",
    "i:[call_id]",
    "CSeq: 1 NOTIFY",
    "o:UA-Profile;effective-by=0",
    "c:Application/URL;charset=utf-8",
    "",
    "THE-URL",
)
# SIPp ends each line of a script in CR LF; a bare line feed has to be written as a code.
CARELESS = "  <send><![CDATA[" + "\\x0A".join(CARELESS_LINES) + "]]></send>\n"
ENDED = """  <recv response="200" timeout="10000"/>
"""
SCRIPTS = {"careful": OK + CAREFUL + ENDED, "careless": OK + CARELESS + ENDED, "never-final": TRYING + AGAIN * 3}
"""What SIPp does after a SUBSCRIBE.

careful: 200 and a NOTIFY as the RFCs have it. careless: compact names, bare line feeds, a From without tag and
brackets, a branch without cookie, and neither Max-Forwards, Subscription-State nor Content-Length. never-final: 100 to
the first SUBSCRIBE, then silence.
"""


@frozen
class Sipp:
    """SIPp with one of SCRIPTS. url: what its NOTIFY holds."""

    script: str = field(validator=in_(tuple(SCRIPTS)))
    url: str = ""

    program = "sipp"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """Without an address of its own SIPp listens on all, so what is sent to the group reaches it."""
        where = ("-p", "5060", "-sf", str(folder / "script.xml"), "-nostdin", "-skip_rlimit")
        messages = ("-trace_msg", "-message_file", str(folder / "messages"))
        errors = ("-trace_err", "-error_file", str(folder / "errors"))
        files = {"script.xml": self.configuration()}
        return Launch((*where, *messages, *errors), files, listens=(Listens("udp", 5060),), logs=("errors", "messages"))

    def configuration(self) -> str:
        """The script, which keeps what it needs of the SUBSCRIBE."""
        keep = '<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>'
        keep += '<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>'
        first = f'  <recv request="SUBSCRIBE"><action>{keep}</action></recv>\n'
        used = '  <Reference variables="from,contact"/>\n'
        body = SCRIPTS[self.script].replace("OWN", GATEWAY).replace("THE-URL", self.url)
        return f'<?xml version="1.0"?>\n<scenario name="{self.script}">\n{first}{body}{used}</scenario>\n'
