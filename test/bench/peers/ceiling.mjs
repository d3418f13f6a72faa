// What the machine allows: bare `ws` on loopback, two processes, with nothing on top or with only what nobody who
// seals and encodes can leave out; and how fast burst signatures can be made and checked on one core.
// node ceiling.mjs dial | round-trip | one-way --size 1024 | sealed --size 1024 | bursts
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { decode, encode } from 'cborg'
import * as secp256k1 from 'tiny-secp256k1'
import { WebSocket, WebSocketServer } from 'ws'
import { Tally, pump, run, timeDials, timeRoundTrips, yieldToSockets } from './measure.mjs'

/** As in the library: what leaves together is sealed together, up to about this many bytes. */
const FRAME_BYTES = 64 * 1_024
/** Beyond this many unsent bytes the sender waits. */
const BUFFERED_BYTES_HIGH = 1 << 20

async function serve(onSocket) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, maxPayload: 1 << 20 })
  server.on('connection', onSocket)
  await new Promise(resolve => server.once('listening', resolve))
  return `ws://127.0.0.1:${server.address().port}`
}

async function open(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await new Promise((resolve, reject) => { socket.once('open', resolve); socket.once('error', reject) })
  return socket
}

async function room(socket) {
  do await yieldToSockets(); while (socket.bufferedAmount > BUFFERED_BYTES_HIGH)
}

const dial = {
  async listen() { return { hello: await serve(() => {}) } },
  dial: (url) => timeDials(async () => {
    const socket = await open(url)
    return () => socket.terminate()
  }),
}

const roundTrip = {
  async listen() { return { hello: await serve(socket => socket.on('message', data => socket.send(data))) } },
  async dial(url, _ask, { size }) {
    const socket = await open(url)
    let heard
    socket.on('message', data => heard(data))
    const body = Buffer.alloc(size, 7)
    return timeRoundTrips(() => new Promise(resolve => { heard = resolve; socket.send(body) }))
  },
}

const oneWay = {
  async listen({ size }) {
    const tally = new Tally(size)
    return { hello: await serve(socket => socket.on('message', data => tally.receive(data))), answers: tally.answers() }
  },
  async dial(url, ask, options) {
    const socket = await open(url)
    const batch = Math.max(1, Math.floor(FRAME_BYTES / options.size))
    return pump(options, async (body) => {
      for (let i = 0; i < batch; i++) socket.send(body)
      await room(socket)
      return batch
    }, ask)
  },
}

/** The same key on both sides stands for a finished handshake. */
class Cipher {
  #key = Buffer.alloc(32, 7)
  #nonce = Buffer.alloc(12)
  #uses = 0

  #next() {
    this.#nonce.writeUInt32LE(this.#uses++ >>> 0, 4)
    return this.#nonce
  }

  seal(text) {
    const cipher = createCipheriv('chacha20-poly1305', this.#key, this.#next(), { authTagLength: 16 })
    const sealed = cipher.update(text)
    cipher.final()
    return Buffer.concat([sealed, cipher.getAuthTag()])
  }

  open(sealed) {
    const decipher = createDecipheriv('chacha20-poly1305', this.#key, this.#next(), { authTagLength: 16 })
    decipher.setAuthTag(sealed.subarray(sealed.length - 16))
    const text = decipher.update(sealed.subarray(0, sealed.length - 16))
    decipher.final()
    return text
  }
}

/** CBOR messages behind their lengths, as many as fill a frame, sealed once. */
const sealed = {
  async listen({ size }) {
    const tally = new Tally(size)
    const cipher = new Cipher()
    const url = await serve(socket => socket.on('message', (data) => {
      const frame = cipher.open(data)
      for (let at = 0; at < frame.length;) {
        const length = frame.readUInt32LE(at)
        tally.receive(decode(frame.subarray(at + 4, at + 4 + length)).body)
        at += 4 + length
      }
    }))
    return { hello: url, answers: tally.answers() }
  },
  async dial(url, ask, options) {
    const socket = await open(url)
    const cipher = new Cipher()
    const header = { protocol: 'bench', type: 'item', from: randomBytes(32), messageId: randomBytes(16), timestamp: Date.now() }
    const batch = Math.max(1, Math.floor(FRAME_BYTES / (options.size + 128)))
    return pump(options, async (body) => {
      const parts = []
      for (let i = 0; i < batch; i++) {
        const message = encode({ ...header, body })
        const length = Buffer.alloc(4)
        length.writeUInt32LE(message.length)
        parts.push(length, message)
      }
      socket.send(cipher.seal(Buffer.concat(parts)))
      await room(socket)
      return batch
    }, ask)
  },
}

/** One signature over the Merkle root of 64 messages of 1 KiB; each is then checked alone, with its path. */
const bursts = {
  async dial(_hello, _ask, { seconds }) {
    const secret = randomBytes(32)
    const author = secp256k1.xOnlyPointFromScalar(secret)
    const messages = Array.from({ length: 64 }, () => randomBytes(1_024))
    let signMs = 0
    let verifyMs = 0
    let count = 0
    for (const end = performance.now() + seconds * 1_000; performance.now() < end; count += messages.length) {
      const start = performance.now()
      const burst = sign(messages, secret)
      const signed = performance.now()
      verify(messages, burst, author)
      signMs += signed - start
      verifyMs += performance.now() - signed
    }
    const signPerSecond = count / signMs * 1_000
    const verifyPerSecond = count / verifyMs * 1_000
    return { signPerSecond, verifyPerSecond, perSecond: Math.min(signPerSecond, verifyPerSecond) }
  },
}

const hash = (...parts) => parts.reduce((state, part) => state.update(part), createHash('sha256')).digest()
const TAG = Buffer.concat([hash('bench'), hash('bench')])

function sign(messages, secret) {
  const levels = [messages.map(message => hash(TAG, message))]
  while (levels.at(-1).length > 1) {
    const below = levels.at(-1)
    levels.push(Array.from({ length: below.length / 2 }, (_, i) => hash(TAG, below[2 * i], below[2 * i + 1])))
  }
  const paths = messages.map((_, index) => levels.slice(0, -1).map((level, depth) => level[(index >> depth) ^ 1]))
  return { paths, signature: secp256k1.signSchnorr(levels.at(-1)[0], secret) }
}

function verify(messages, { paths, signature }, author) {
  const verified = new Set()
  messages.forEach((message, index) => {
    const root = paths[index].reduce((node, beside, depth) =>
      (index >> depth) & 1 ? hash(TAG, beside, node) : hash(TAG, node, beside), hash(TAG, message))
    const key = root.toString('hex')
    if (verified.has(key)) return
    if (!secp256k1.verifySchnorr(root, author, signature)) throw new Error('a burst does not verify')
    verified.add(key)
  })
}

await run({ dial, 'round-trip': roundTrip, 'one-way': oneWay, sealed, bursts })
