/** PEM texts or bytes. TLS hides traffic from bystanders; who answers is proven by the channel's own handshake. */
export interface WebSocketTls {
  /** For listening on `wss:`. */
  key?: string | Uint8Array | undefined
  /** For listening on `wss:`. */
  cert?: string | Uint8Array | undefined
  /** For dialling: authorities to trust instead of the system's. */
  ca?: string | readonly string[] | undefined
  /** For dialling; true unless a certificate is pinned. */
  rejectUnauthorized?: boolean | undefined
  /** For dialling: the name to expect in the certificate, where it is not the host of the address. */
  servername?: string | undefined
  /** For dialling `wss:`: the one certificate to accept, whoever signed it, as the hex of its SHA-256. */
  pinSha256?: string | undefined
}
