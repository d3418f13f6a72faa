// The measuring itself, shared by every side: two processes on loopback, the same warm-up, the same
// loops, the same counting. A side only says how it listens, dials and sends.
import { fork } from 'node:child_process'

/** First byte of a one-way body: the receiver counts the timed ones and ignores the warm-up. */
const WARM = 0
const TIMED = 1
/** A receiver that hears nothing new for this long is taken to have lost the rest. */
const SILENCE_MS = 5_000

export const sleep = (ms) => new Promise(resolve => setTimeout(resolve, ms))
/** Lets sockets be read and written before the next batch. */
export const yieldToSockets = () => new Promise(resolve => setImmediate(resolve))

/**
 * Runs the measure named on the command line and prints one line of JSON. A measure has `dial(hello, ask, options)`
 * for this process, and usually `listen(options)` for the second: it returns `{ hello, answers }`, what the dialler
 * must know and what it may ask later. `prepare()` runs here first; its result is `options.prepared` on both sides.
 */
export async function run(measures) {
  const options = readOptions(process.argv.slice(2))
  const measure = measures[options.measure]
  if (measure == null) throw new Error(`no measure ${options.measure}; there are ${Object.keys(measures).join(', ')}`)
  if (options.role === 'listen') return serve(measure, options)

  options.prepared = await measure.prepare?.()
  const child = measure.listen == null ? undefined : await startListener(options)
  const result = await measure.dial(child?.hello, child?.ask, options)
  console.log(JSON.stringify(result))
  child?.stop()
  process.exit(0)
}

/** `one-way --size 1024` becomes `{ measure: 'one-way', size: 1024 }`; figures become numbers. */
function readOptions([measure, ...rest]) {
  const options = { measure, role: 'dial', size: 1024, seconds: 4, warmUpSeconds: 0.5, auth: 'channel', count: 100 }
  for (let i = 0; i < rest.length; i += 2) {
    const name = rest[i].slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase())
    const value = rest[i + 1]
    options[name] = value !== '' && Number.isFinite(Number(value)) ? Number(value) : value
  }
  if (typeof options.prepared === 'string') options.prepared = JSON.parse(options.prepared)
  return options
}

async function serve(measure, options) {
  process.on('disconnect', () => process.exit())
  const { hello, answers = {} } = await measure.listen(options)
  process.on('message', async ({ id, question, value }) => {
    process.send({ id, answer: await answers[question](value) })
  })
  process.send({ hello })
}

async function startListener(options) {
  const prepared = options.prepared === undefined ? [] : ['--prepared', JSON.stringify(options.prepared)]
  const child = fork(process.argv[1], [...process.argv.slice(2), '--role', 'listen', ...prepared], {
    execArgv: process.execArgv,
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const waiting = new Map()
  let nextId = 1
  const heard = (id) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  child.on('message', ({ id = 0, hello, answer }) => waiting.get(id)?.resolve(id === 0 ? hello : answer))
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`the listening process ended early with code ${code}`))
  })
  const ask = (question, value) => {
    const id = nextId++
    child.send({ id, question, value })
    return heard(id).finally(() => waiting.delete(id))
  }
  const hello = await heard(0)
  return { hello, ask, stop: () => { waiting.clear(); child.disconnect() } }
}

export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

const spread = (values) => ({ p50: quantile(values, 0.5), p99: quantile(values, 0.99), samples: values.length })

/** Dials one after the other, each until the link may carry messages. `dialOnce` returns how to hang up. */
export async function timeDials(dialOnce, { warmUps = 20, count = 60 } = {}) {
  const took = []
  for (let i = 0; i < warmUps + count; i++) {
    const start = performance.now()
    const hangUp = await dialOnce()
    if (i >= warmUps) took.push(performance.now() - start)
    await hangUp()
    // The other end may still be tidying up; that is not part of the next dial.
    await sleep(5)
  }
  return spread(took)
}

/** Asks, waits for the whole answer, asks again: one request under way at a time. */
export async function timeRoundTrips(askOnce, { warmUps = 1_000, count = 5_000 } = {}) {
  const took = []
  for (let i = 0; i < warmUps + count; i++) {
    const start = performance.now()
    await askOnce()
    if (i >= warmUps) took.push(performance.now() - start)
  }
  return spread(took)
}

/** What the receiver of a one-way run keeps: how many timed messages of the right size, over what span. */
export class Tally {
  #size
  #count = 0
  #wrong = 0
  #firstMs = 0
  #lastMs = 0

  constructor(size) { this.#size = size }

  receive(body) {
    if (body.length !== this.#size) { this.#wrong++; return }
    if (body[0] !== TIMED) return
    this.#lastMs = performance.now()
    if (this.#count++ === 0) this.#firstMs = this.#lastMs
  }

  /** Resolves when `expected` have come, or when nothing has for a while. */
  async reached(expected) {
    let before = -1
    let quietSince = performance.now()
    while (this.#count < expected && performance.now() - quietSince < SILENCE_MS) {
      if (this.#count !== before) { before = this.#count; quietSince = performance.now() }
      await sleep(20)
    }
    return { count: this.#count, wrong: this.#wrong, ms: this.#lastMs - this.#firstMs }
  }

  answers() { return { tally: expected => this.reached(expected) } }
}

/** Sends for a while with `sendBatch(body)`, which respects backpressure and returns how many it sent. */
export async function pump({ size, seconds, warmUpSeconds }, sendBatch, ask) {
  const sendFor = async (body, forSeconds) => {
    const end = performance.now() + forSeconds * 1_000
    let sent = 0
    while (performance.now() < end) sent += await sendBatch(body)
    return sent
  }
  await sendFor(new Uint8Array(size).fill(7).fill(WARM, 0, 1), warmUpSeconds)
  const sent = await sendFor(new Uint8Array(size).fill(7).fill(TIMED, 0, 1), seconds)
  const { count, wrong, ms } = await ask('tally', sent)
  if (count !== sent || wrong !== 0) throw new Error(`sent ${sent} messages, but ${count} arrived, and ${wrong} of a wrong size`)
  return { perSecond: count / ms * 1_000, megabytesPerSecond: count * size / ms / 1_000, delivered: count, ms }
}

/** Heap that one more idle connection costs the listening side. Needs --expose-gc. */
export async function heapPerConnection({ count }, connectOnce, ask) {
  // The first few pay for code and caches that the rest share.
  for (let i = 0; i < 5; i++) await connectOnce()
  const before = await ask('memory')
  for (let i = 0; i < count; i++) await connectOnce()
  const after = await ask('memory')
  const added = after.connections - before.connections
  if (added !== count) throw new Error(`dialled ${count} times, but the listener holds ${added} connections more`)
  const perConnection = (key) => (after[key] - before[key]) / added / 1_024
  return { heapKib: perConnection('heapUsed'), externalKib: perConnection('external'), residentKib: perConnection('rss'), connections: added }
}

/** Answers `memory` once everything that may be collected has been. */
export function memoryAnswers(connections) {
  return {
    async memory() {
      await sleep(1_000)
      for (let i = 0; i < 4; i++) { globalThis.gc(); await sleep(50) }
      const { heapUsed, external, rss } = process.memoryUsage()
      return { heapUsed, external, rss, connections: connections() }
    },
  }
}
