// Certificates for the tests, made by the openssl command (package openssl).
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority: { cert, key } are file names. */
export function makeCa(folder, name) {
    const cert = join(folder, `${name}.pem`), key = join(folder, `${name}.key`);
    openssl('req', '-x509', ...EC, '-days', '365', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert,
        '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
    return { cert, key };
}

/** A certificate of ca. san as in OpenSSL: 'IP:127.0.0.1,DNS:localhost'. days from now, negative: it has expired. */
export function makeCert(folder, ca, name, { san = 'IP:127.0.0.1,DNS:localhost', days = 90 } = {}) {
    const cert = join(folder, `${name}.pem`), key = join(folder, `${name}.key`);
    const request = join(folder, `${name}.csr`), extensions = join(folder, `${name}.ext`);
    writeFileSync(extensions, `basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=${san}\n`);
    openssl('req', '-new', ...EC, '-subj', `/CN=${name}`, '-keyout', key, '-out', request);
    openssl('x509', '-req', '-in', request, '-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-days', String(days),
        '-extfile', extensions, '-out', cert);
    return { cert, key };
}

/** Puts one file in the place of another as certificate tools do: written beside it, then renamed. */
export function install(from, to) {
    writeFileSync(`${to}.new`, readFileSync(from), { mode: 0o600 });
    renameSync(`${to}.new`, to);
}
