"""FTP and TFTP servers: vsftpd and tftpd-hpa."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from tools.lab.addresses import FILES, USER
from tools.lab.authority import Authority
from tools.lab.launch import Contents, Launch, Listens, below

HASHED = "$6$offhooklab$Qv9uxNXD0O2CWd3zttPee601/Y.jR56qAdqbMCSR1vBCDlaiFlholHrr/RhuJJKhglMHim.ZiaH.GyBjIVIG6."
"""PASSWORD as crypt(5) has it, by ``openssl passwd -6``."""
ACCOUNTS = {"root": 0, "nobody": 65_534, "ftp": 65_533, USER: 65_532}
"""The users that the FTP server sees, and their numbers."""
PAM = "auth required pam_unix.so\naccount required pam_permit.so\n"


def accounts() -> dict[str, str | bytes]:
    """The files of users, passwords and rules that stand in the place of the machine's for a server with a login."""
    users = [f"{name}:x:{number}:{number}::/:/usr/sbin/nologin\n" for name, number in ACCOUNTS.items()]
    secrets = [f"{name}:{HASHED if name == USER else '*'}:1::::::\n" for name in ACCOUNTS]
    return {"passwd": "".join(users), "shadow": "".join(secrets), "pam": PAM}


@frozen
class Vsftpd:
    """vsftpd. login: whether it wants the login; otherwise it lets in ``anonymous`` and nobody else."""

    files: Contents
    login: bool = False

    program = "vsftpd"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, with the lab's users and rules for logins in the place of the machine's."""
        files = {**below("files", self.files), "vsftpd.conf": self.configuration(folder), **accounts()}
        covered = {"/etc/pam.d/vsftpd": "pam", "/etc/passwd": "passwd", "/etc/shadow": "shadow"}
        listens = (Listens("tcp", 21, FILES),)
        mounts = covered if self.login else {}
        arguments = (str(folder / "vsftpd.conf"),)
        return Launch(arguments, files, ("empty", "files"), listens, ("vsftpd.log",), mounts=mounts)

    def configuration(self, folder: Path) -> str:
        """Reading only, in passive mode. A login is a virtual user, who acts as the system's user ``ftp``."""
        yes_no = {True: "YES", False: "NO"}
        return f"""listen=YES
listen_ipv6=NO
listen_address={FILES}
background=NO
anonymous_enable={yes_no[not self.login]}
no_anon_password=NO
local_enable={yes_no[self.login]}
guest_enable={yes_no[self.login]}
guest_username=ftp
pam_service_name=vsftpd
anon_root={folder / "files"}
local_root={folder / "files"}
chroot_local_user=YES
secure_chroot_dir={folder / "empty"}
write_enable=NO
port_enable=NO
isolate_network=NO
seccomp_sandbox=NO
xferlog_enable=YES
log_ftp_protocol=YES
vsftpd_log_file={folder / "vsftpd.log"}
"""


@frozen
class Tftpd:
    """tftpd-hpa."""

    files: Contents

    program = "in.tftpd"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground. It writes no log but the system's."""
        where = ("--ipv4", "--address", f"{FILES}:69", "--secure", str(folder / "files"))
        arguments = ("--listen", "--foreground", "--user", "nobody", *where)
        return Launch(arguments, below("files", self.files), ("files",), (Listens("udp", 69, FILES),))
