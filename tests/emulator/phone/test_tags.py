"""Where parameters stand in the tree and what they are at the factory, as the specification prints them."""

from __future__ import annotations

import pytest

from emulator.phone.catalogue import catalogue

PROV, HTTP = "Device/System/Prov", "Device/Network/HTTP"
PRINTED = {
    "PROV-023": ("Device/Network/IPv6", "IP_ADDR_MODE=0 IP_MODE_PREF_SIGNAL=0 IP_MODE_PREF_MEDIA=0 IPV6_PRIVACY=N"),
    "PROV-042": (PROV, "USR_PROV_SVR_URL= USR_PROV_SVR_AUTH_ID= USR_PROV_SVR_AUTH_PASSWORD="),
    "PROV-055": (PROV, "SIPPNP_ENABLE=Y"),
    "PROV-076": (PROV, "OPTION160_ENABLE=Y OPTION159_ENABLE=Y OPTION66_ENABLE=Y"),
    "PROV-112": (HTTP, "HTTP_AUTH_ID= HTTP_AUTH_PASSWORD="),
    "PROV-114": (HTTP, "HTTP_ENABLE_PROXY=N HTTP_PROXY_SVR_ADDR= HTTP_PROXY_SVR_PORT=8080"),
    "PROV-115": (HTTP, "HTTP_USER_AGENT=Panasonic_{MODEL}/{fwver}·({mac})"),
    "PROV-117": (HTTP, "HTTP_VER=1"),
    "PROV-204": (PROV, "CFG_FILE_KEY= CFG_FILE_KEY_LENGTH=128"),
    "PROV-238": (PROV, "PROVISION_ENABLE=Y"),
    "PROV-260": ("Device/System/FwUpdt", "FIRM_UPGRADE_ENABLE=Y FIRM_FILE_PATH= FIRM_UPGRADE_AUTO=Y"),
    "PROV-280": ("Device/Network/LLDP", "LLDP_ENABLE=Y"),
    "PROV-290": ("Device/System/Syslog", "SYSLOG_SERVER_ENABLE=N SYSLOG_ADDR= SYSLOG_PORT=514 SYSLOG_SEVERITY=3"),
    "PROV-291": ("Device/Diagnostic/LogGeneral", "LOG_TERMINAL_DISP_ENABLE=Y LOG_TO_FILE_ENABLE=Y LOG_FILE_SIZE=5"),
    "PROV-292": (
        "Device/Diagnostic/LogLevel",
        "LOG_LEVEL_IPPS=448 LOG_LEVEL_PCU=448 LOG_LEVEL_MCU=448 LOG_LEVEL_MMI=448",
    ),
    "PROV-293": ("Device/Diagnostic/LogDisplay", "SYSTEM_AUTO_RECOVERY_ENABLE=Y"),
}
"""Rule to the group and to ``TAG=default``; a dot in the middle stands for a space."""
MORE = {"PROV-023": "ALLOW_AUTO_CFG=N"}
ROWS = [
    pytest.param(path, *pair.replace("·", " ").split("=", 1), marks=pytest.mark.spec(number))
    for number, (path, pairs) in PRINTED.items()
    for pair in f"{pairs} {MORE.get(number, '')}".split()
]
ROWS.append(pytest.param("Device/Network/CDP", "CDP_ENABLE", "Y", marks=pytest.mark.spec("PROV-280")))


@pytest.mark.parametrize(("path", "tag", "default"), ROWS)
def test_a_parameter_has_its_place_and_its_default(path: str, tag: str, default: str) -> None:
    parameter = catalogue().find(path, tag)
    assert parameter is not None
    assert parameter.default == default


@pytest.mark.spec("PROV-260")
def test_the_version_to_install_stands_beside_them() -> None:
    assert catalogue().find("Device/System/FwUpdt", "FIRM_VERSION") is not None
