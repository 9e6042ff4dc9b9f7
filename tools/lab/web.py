"""HTTP and HTTPS servers: nginx, and lighttpd for Digest."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from hashlib import md5, sha256
from pathlib import Path

from attrs import field, frozen
from attrs.validators import in_, optional

from tools.lab.addresses import FILES, PASSWORD, USER
from tools.lab.authority import CERTIFICATES, Authority
from tools.lab.launch import Contents, Launch, Listens, below

REALM = "phones"


@frozen
class Site:
    """A site of nginx, by HTTPS if it has a certificate (one of CERTIFICATES).

    root_at: path of the root certificate, "" to hold it back; basic: whether it wants the login; redirects: path to
    (status, location); rate: bytes a second, 0 for no limit; gzip: ``off``, ``asked`` (for clients that accept it) or
    ``always`` (a careless server, which asks nobody).
    """

    files: Contents = field(factory=dict)
    address: str = FILES
    certificate: str | None = field(default=None, validator=optional(in_(CERTIFICATES)))
    root_at: str = ""
    basic: bool = False
    redirects: Mapping[str, tuple[int, str]] = field(factory=dict)
    rate: int = 0
    gzip: str = field(default="off", validator=in_(("off", "asked", "always")))

    @property
    def port(self) -> int:
        """The usual one."""
        return 443 if self.certificate else 80


@frozen
class Nginx:
    """nginx with its sites."""

    sites: tuple[Site, ...]

    program = "nginx"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground; its log is on stderr but for the accesses."""
        files: dict[str, str | bytes] = {"nginx.conf": self.configuration(folder)}
        files["login"] = f"{USER}:{{PLAIN}}{PASSWORD}\n"
        for number, site in enumerate(self.sites):
            files |= below(f"site-{number}", self.served(site, authority))
            if site.certificate:
                files[f"site-{number}.pem"] = authority.servers[site.certificate]
        arguments = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr")
        listens = tuple(Listens("tcp", site.port, site.address) for site in self.sites)
        folders = ("temp", *(f"site-{number}" for number in range(len(self.sites))))
        return Launch(arguments, files, folders, listens, ("access.log",))

    @staticmethod
    def served(site: Site, authority: Authority) -> dict[str, str | bytes]:
        """The site's files, compressed beforehand if they are sent so to everybody, and the root certificate."""
        served = dict(site.files)
        if site.root_at:
            served[site.root_at.removeprefix("/")] = authority.root
        if site.gzip == "always":
            plain = {name: text.encode() if isinstance(text, str) else text for name, text in served.items()}
            served |= {f"{name}.gz": gzip.compress(text) for name, text in plain.items()}
        return served

    def configuration(self, folder: Path) -> str:
        """All of nginx's working files lie in the folder."""
        temporary = [f"  {name}_temp_path temp;" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
        lines = ["daemon off;", "worker_processes 1;", "pid nginx.pid;", "error_log stderr info;"]
        lines += ["events { worker_connections 512; }", "http {", "  access_log access.log;"]
        lines += ["  default_type application/octet-stream;", *temporary]
        for number, site in enumerate(self.sites):
            lines += [f"  {line}" for line in site_lines(site, number, folder)]
        return "\n".join([*lines, "}"]) + "\n"


def site_lines(site: Site, number: int, folder: Path) -> list[str]:
    """The ``server`` block of a site."""
    tls = " ssl" if site.certificate else ""
    inside = [f"listen {site.address}:{site.port}{tls};", f"root {folder / f'site-{number}'};"]
    if site.certificate:
        pem = folder / f"site-{number}.pem"
        inside += [f"ssl_certificate {pem};", f"ssl_certificate_key {pem};", "ssl_protocols TLSv1.2 TLSv1.3;"]
    if site.basic:
        inside += [f'auth_basic "{REALM}";', f"auth_basic_user_file {folder / 'login'};"]
    if site.rate:
        inside.append(f"limit_rate {site.rate};")
    if site.gzip == "asked":
        inside += ["gzip on;", "gzip_min_length 0;", "gzip_types *;"]
    if site.gzip == "always":
        inside += ["gzip_static always;"]
    for path, (status, location) in site.redirects.items():
        inside.append(f"location = {path} {{ return {status} {location}; }}")
    return ["server {", *(f"  {line}" for line in inside), "}"]


@frozen
class Lighttpd:
    """lighttpd, which wants the login by Digest. algorithm: ``MD5`` or ``SHA-256`` (RFC 7616)."""

    files: Contents
    algorithm: str = field(default="MD5", validator=in_(("MD5", "SHA-256")))

    program = "lighttpd"

    def launch(self, folder: Path, authority: Authority) -> Launch:
        """In the foreground, its log on stderr."""
        digest = md5 if self.algorithm == "MD5" else sha256
        secret = digest(f"{USER}:{REALM}:{PASSWORD}".encode()).hexdigest()
        files = {
            "lighttpd.conf": self.configuration(folder),
            "login": f"{USER}:{REALM}:{secret}\n",
            **below("files", self.files),
        }
        arguments = ("-D", "-f", str(folder / "lighttpd.conf"))
        return Launch(arguments, files, ("files",), (Listens("tcp", 80, FILES),), ("access.log",))

    def configuration(self, folder: Path) -> str:
        """Every path wants the login."""
        return f"""server.modules = ("mod_auth", "mod_authn_file", "mod_accesslog")
server.document-root = "{folder / "files"}"
server.bind = "{FILES}"
server.port = 80
accesslog.filename = "{folder / "access.log"}"
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{folder / "login"}"
auth.require = ("" => (
  "method" => "digest", "algorithm" => "{self.algorithm}", "realm" => "{REALM}", "require" => "valid-user"
))
"""
