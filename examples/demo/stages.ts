/** The demo's acts. Each does one thing on the running network, says what happens, and returns a line for the summary. */
import { connect } from 'node:net'
import { once } from 'node:events'
import { late, publish, whisper } from './gossip-stages.ts'
import { directory, mix, sign } from './money-stages.ts'
import { short, until, type Stage } from './stage.ts'

const SIGNED_COUNT = 5_000

const start: Stage = {
  title: 'Five processes start, each with a fresh key, and listen',
  async run({ actors, ids, addresses, say }) {
    for (const actor of actors) {
      const { id, address, crypto } = await actor.ask('listen')
      ids.set(actor.name, id)
      addresses.set(actor.name, address)
      say(`${actor.name.padEnd(5)}  process ${actor.pid}  ${address}  key ${short(id)}  (${crypto.curve} curve, ${crypto.symmetric} cipher)`)
    }
    return 'five processes, five keys, no configuration'
  },
}

const meet: Stage = {
  title: 'Everybody knows only alice; signed address records do the rest',
  async run({ actors, addresses, say }) {
    const [first, ...others] = actors
    for (const [index, actor] of others.entries()) {
      const before = performance.now()
      await actor.ask('join', addresses.get(first!.name)!)
      await until(`${actor.name} has found those before it`, async () => (await actor.ask('peers')).length > index)
      say(`${actor.name.padEnd(5)}  proved its key to ${index + 1} ${index === 0 ? 'node' : 'nodes'} by Noise handshake, ${(performance.now() - before).toFixed(0)} ms after it knew alice's address`)
    }
    await until('everybody is connected to everybody', async () => {
      const counts = await Promise.all(actors.map(async actor => (await actor.ask('peers')).length))
      return counts.every(count => count === actors.length - 1)
    })
    say('each of the five is connected to the other four')
    return 'ten encrypted links, every key proved, from one known address'
  },
}

const greet: Stage = {
  title: 'Each greets all, signed',
  async run({ actors, ids, say }) {
    for (const actor of actors) await actor.ask('greet', `good day from ${actor.name}`)
    await until('everybody has heard four greetings', async () => {
      const heard = await Promise.all(actors.map(actor => actor.ask('heard')))
      return heard.every(({ greetings }) => greetings.length === actors.length - 1)
    })
    let proved = 0
    for (const actor of actors) {
      const { greetings } = await actor.ask('heard')
      proved += greetings.filter(({ from, author, signed }) => signed && author === ids.get(from)).length
      say(`${actor.name.padEnd(5)}  heard ${greetings.map(({ from, author }) => `${from} (${short(author)})`).join(', ')}`)
    }
    if (proved !== 20) throw new Error(`expected 20 greetings signed by who they say, got ${proved}`)
    return `${proved} of 20 greetings arrived, each signed by the key it claims`
  },
}

const ask: Stage = {
  title: 'Questions and typed answers',
  async run({ actors, ids, say }) {
    const times: number[] = []
    for (const [index, actor] of actors.entries()) {
      const asked = actors[(index + 1) % actors.length]!
      const { result, ms } = await actor.ask('square', ids.get(asked.name)!, index + 2)
      if (result !== (index + 2) ** 2) throw new Error(`${asked.name} answered ${result}`)
      times.push(ms)
      say(`${actor.name} asks ${asked.name} for ${index + 2} squared: ${result}, in ${ms.toFixed(1)} ms`)
    }
    return `five questions answered, the quickest in ${Math.min(...times).toFixed(1)} ms, both ways signed`
  },
}

const stream: Stage = {
  title: `alice sends bob ${SIGNED_COUNT} signed messages`,
  async run({ actors, ids, say }) {
    const [alice, bob] = actors
    const before = performance.now()
    await alice!.ask('count', ids.get(bob!.name)!, SIGNED_COUNT)
    await until('bob has all of them', async () => (await bob!.ask('heard')).numbers === SIGNED_COUNT)
    const seconds = (performance.now() - before) / 1000
    const { sum } = await bob!.ask('heard')
    if (sum !== (SIGNED_COUNT * (SIGNED_COUNT + 1)) / 2) throw new Error(`bob counted to ${sum}`)
    say(`bob has all ${SIGNED_COUNT}, each checked: ${Math.round(SIGNED_COUNT / seconds)} a second`)
    return `${SIGNED_COUNT} signed messages in ${seconds.toFixed(2)} s, none lost, none twice`
  },
}

const refuse: Stage = {
  title: 'A stranger knocks without a key',
  async run({ actors, addresses, say }) {
    const [alice] = actors
    const url = new URL(addresses.get(alice!.name)!)
    const socket = connect(Number(url.port), url.hostname)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(
      'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
      + 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: peerweft.1\r\n\r\n',
    )
    await once(socket, 'data')
    // A masked binary frame of 50 bytes that look like act one of a handshake, but open under no key.
    socket.write(Buffer.concat([Buffer.from([0x82, 0x80 | 50, 0, 0, 0, 0]), Buffer.alloc(50, 2)]))
    await once(socket, 'close')
    const { errors } = await alice!.ask('heard')
    const code = Object.keys(errors).find(name => name.startsWith('ERR_PEER_HANDSHAKE'))
    if (code === undefined) throw new Error(`alice did not note the stranger: ${JSON.stringify(errors)}`)
    const peers = await alice!.ask('peers')
    say(`alice hung up on it (${code}) and is still connected to ${peers.length}`)
    return `a stranger with junk for a handshake was turned away (${code}), nobody else noticed`
  },
}

export const stages: readonly Stage[] = [start, meet, greet, ask, stream, refuse, publish, whisper, directory, late, sign, mix]
