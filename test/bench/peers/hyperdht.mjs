// hyperdht with protomux, two processes on loopback; its own testnet of six nodes lives with the dialler.
// node hyperdht.mjs dial | round-trip | one-way --size 1024
import encoding from 'compact-encoding'
import DHT from 'hyperdht'
import createTestnet from 'hyperdht/testnet.js'
import Protomux from 'protomux'
import { Tally, pump, run, timeDials, timeRoundTrips, yieldToSockets } from './measure.mjs'

let testnet
async function prepare() {
  testnet = await createTestnet(6)
  return testnet.bootstrap
}

async function listen(onStream) {
  return async (options) => {
    const server = new DHT({ bootstrap: options.prepared }).createServer()
    const answers = onStream(server, options)
    await server.listen()
    return { hello: server.publicKey.toString('hex'), answers }
  }
}

async function open(node, keyHex) {
  const stream = node.connect(Buffer.from(keyHex, 'hex'))
  stream.on('error', () => {})
  await new Promise((resolve, reject) => { stream.once('open', resolve); stream.once('close', () => reject(new Error('closed before it opened'))) })
  return stream
}

/** One protomux channel with one kind of message. */
async function channel(stream, onmessage) {
  stream.on('error', () => {})
  const opened = Protomux.from(stream).createChannel({ protocol: 'bench' })
  const message = opened.addMessage({ encoding: encoding.buffer, onmessage: body => onmessage(body, message) })
  opened.open()
  await opened.fullyOpened()
  return message
}

const dial = {
  prepare,
  listen: await listen(server => { server.on('connection', stream => stream.on('error', () => {})) }),
  async dial(keyHex, _ask, { prepared }) {
    const node = new DHT({ bootstrap: prepared })
    return timeDials(async () => {
      const stream = await open(node, keyHex)
      return () => { stream.destroy() }
    })
  },
}

const roundTrip = {
  prepare,
  listen: await listen(server => { server.on('connection', stream => channel(stream, (body, message) => message.send(body))) }),
  async dial(keyHex, _ask, { prepared, size }) {
    let heard
    const message = await channel(await open(new DHT({ bootstrap: prepared }), keyHex), body => heard(body))
    const body = Buffer.alloc(size, 7)
    return timeRoundTrips(async () => {
      const answer = new Promise(resolve => { heard = resolve })
      message.send(body)
      if ((await answer).length !== size) throw new Error('the echo has another size')
    })
  },
}

const oneWay = {
  prepare,
  listen: await listen((server, { size }) => {
    const tally = new Tally(size)
    server.on('connection', stream => channel(stream, body => tally.receive(body)))
    return tally.answers()
  }),
  async dial(keyHex, ask, { prepared, ...options }) {
    const stream = await open(new DHT({ bootstrap: prepared }), keyHex)
    const message = await channel(stream, () => {})
    return pump(options, async (body) => {
      let roomLeft = true
      for (let i = 0; i < 32; i++) roomLeft = message.send(body)
      if (roomLeft) await yieldToSockets()
      else await new Promise(resolve => stream.once('drain', resolve))
      return 32
    }, ask)
  },
}

await run({ dial, 'round-trip': roundTrip, 'one-way': oneWay })
