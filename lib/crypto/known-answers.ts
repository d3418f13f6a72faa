/** The answers that a backend must know before it is used. Each comes from the standard it names. */

const hex = (digits: string): Uint8Array => Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

export const KNOWN = {
  // FIPS 180-4, the two-block example.
  text: ascii('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
  textHash: hex('248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'),

  // RFC 4231, test case 2.
  macKey: ascii('Jefe'),
  macText: ascii('what do ya want for nothing?'),
  mac: hex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),

  // RFC 8439, 2.8.2.
  sealKey: hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  sealNonce: hex('070000004041424344454647'),
  sealData: hex('50515253c0c1c2c3c4c5c6c7'),
  plaintext: ascii("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."),
  sealed: hex(
    'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b'
    + '1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc'
    + '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
  ),

  // RFC 8439, A.1, test vector 1 and 2: key and nonce of zeros, blocks 0 and 1.
  streamNonce: new Uint8Array(12),
  stream: hex(
    '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586'
    + '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
  ),

  // BIP340, test vector 1, and the key of vector 5, which is not on the curve.
  secret: hex('b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef'),
  signer: hex('dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659'),
  auxRand: hex('0000000000000000000000000000000000000000000000000000000000000001'),
  message: hex('243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89'),
  signature: hex(
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341'
    + '8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
  ),
  offCurve: hex('eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34'),

  // SEC 2, 2.4.1, and 2 G.
  generator: hex('0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'),
  twice: hex('02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5'),

  // BOLT 8, appendix A: the initiator's static key, whose point has an odd Y, and its first Diffie-Hellman.
  oddSecret: hex('1111111111111111111111111111111111111111111111111111111111111111'),
  oddSecretNumber: 0x1111111111111111111111111111111111111111111111111111111111111111n,
  oddPoint: hex('034f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa'),
  ecdhSecret: hex('1212121212121212121212121212121212121212121212121212121212121212'),
  ecdhPoint: hex('028d7500dd4c12685d1f568b4c2b5048e8534b873319f3a8daa612b469132ec7f7'),
  ecdhHash: hex('1e2fb3c8fe8fb9f262f649f64d26ecf0f2c0a805a767cf02dc2d77a6ef1fdcc3'),
} as const
