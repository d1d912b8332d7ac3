"""Fetches jars by Spark's own resolver: `python dev/fetch_jars.py FOLDER COORDINATES...`, run in the environment.

A runtime of Java that the machine administers trusts what the machine trusts. The one from a wheel does not: where a
proxy signs with a certificate of its own, it has to be told.
"""

import os
import secrets
import ssl
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pyspark.sql import SparkSession


def trusted_certificates() -> list[bytes]:
    """The certificate authorities that Python trusts on this machine, in DER."""
    context = ssl.create_default_context()
    # Certificates of a folder are read when one is asked for, so the usual bundle in it is named.
    bundle = Path(ssl.get_default_verify_paths().capath or "/") / "ca-certificates.crt"
    if bundle.is_file():
        context.load_verify_locations(bundle)
    return sorted(set(context.get_ca_certs(binary_form=True)))


def write_truststore(path: Path, certificates: Iterable[bytes], password: str) -> None:
    """Write certificates (DER) as a store that Java reads."""
    entries = [
        pkcs12.PKCS12Certificate(read, f"machine {number}".encode())
        for number, read in enumerate(map(_read, certificates))
        if read is not None
    ]
    path.write_bytes(pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(password.encode())))


def _read(der: bytes) -> x509.Certificate | None:
    """The certificate; None for one that breaks the standard, as an old root may: it is left out, not trusted."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return x509.load_der_x509_certificate(der)
        except (ValueError, Warning):
            return None


def java_options(folder: Path) -> str:
    """Options that make Java trust what Python trusts; none for a Java that is not of this environment."""
    certificates = trusted_certificates()
    if not certificates or Path(os.environ.get("JAVA_HOME", "/")).parent != Path(sys.prefix):
        return ""
    store, password = folder / "machine.p12", secrets.token_hex(16)
    write_truststore(store, certificates, password)
    # Quoted, as the path may have spaces.
    return f'"-Djavax.net.ssl.trustStore={store}" -Djavax.net.ssl.trustStorePassword={password}'


def main(folder: Path, coordinates: Iterable[str]) -> None:
    """Fetch each to FOLDER/jars; what stops the resolver stops this."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = {
        "spark.master": "local[1]", "spark.jars.ivy": str(folder), "spark.ui.enabled": "false",
        "spark.driver.host": "localhost", "spark.driver.bindAddress": "127.0.0.1",
    }  # fmt: skip
    if options := java_options(folder):
        os.environ["JDK_JAVA_OPTIONS"] = options
    session = SparkSession.builder.config(map=conf).getOrCreate()
    for one in coordinates:
        session.sql(f"ADD JAR ivy://{one}?transitive=false")
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
