import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { everyBackend } from './support/backends.ts'
import { ascii, flipBit, hex, toHex } from './support/bytes.ts'

/** RFC 8439, appendix A.1: the keystream block at `counter`. */
const STREAMS = [
  { name: 1, key: hex('00'.repeat(32)), nonce: hex('00'.repeat(12)), counter: 0, block: '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586' },
  { name: 2, key: hex('00'.repeat(32)), nonce: hex('00'.repeat(12)), counter: 1, block: '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f' },
  { name: 3, key: hex(`${'00'.repeat(31)}01`), nonce: hex('00'.repeat(12)), counter: 1, block: '3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0' },
  { name: 4, key: hex(`00ff${'00'.repeat(30)}`), nonce: hex('00'.repeat(12)), counter: 2, block: '72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096' },
  { name: 5, key: hex('00'.repeat(32)), nonce: hex(`${'00'.repeat(11)}02`), counter: 0, block: 'c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c78a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d' },
]

/** RFC 8439, 2.8.2. */
const SUNSCREEN = {
  key: hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: hex('070000004041424344454647'),
  data: hex('50515253c0c1c2c3c4c5c6c7'),
  plaintext: ascii("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."),
  sealed: hex(`d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b
    1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
    3ff4def08e4b7a9de576d26586cec64b6116 1ae10b594f09e26a7e902ecbd0600691`),
}

/** RFC 8439, A.5. */
const DRAFTS = {
  key: hex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0'),
  nonce: hex('000000000102030405060708'),
  data: hex('f33388860000000000004e91'),
  plaintext: ascii('Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by other documents at any time. '
    + 'It is inappropriate to use Internet-Drafts as reference material or to cite them other than as /\u201cwork in progress./\u201d'),
  sealed: hex(`64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf
    332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4
    b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a
    0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29
    a6ad5cb4022b02709b eead9d67890cbb22392336fea1851f38`),
}

for (const { label, backend } of everyBackend) {
  const vectors = suite(`RFC 8439 on ${label}`)

  for (const { name, key, nonce, counter, block } of STREAMS) {
    vectors(`A.1, test vector ${name}: the keystream's block ${counter}`, () => {
      assert.is(toHex(backend.stream(key, nonce, 64 * (counter + 1)).slice(64 * counter)), block)
    })
  }

  for (const [name, { key, nonce, data, plaintext, sealed }] of Object.entries({ '2.8.2': SUNSCREEN, 'A.5': DRAFTS })) {
    vectors(`${name} seals to the published bytes and opens`, () => {
      assert.is(toHex(backend.seal(key, nonce, data, plaintext)), toHex(sealed))
      assert.is(toHex(backend.open(key, nonce, data, sealed)!), toHex(plaintext))
    })

    vectors(`${name} does not open with any bit of its tag changed`, () => {
      for (let bit = 8 * (sealed.length - 16); bit < 8 * sealed.length; bit++) {
        assert.is(backend.open(key, nonce, data, flipBit(sealed, bit)), null)
      }
    })
  }

  vectors.run()
}
