// What gossiping nodes in one process are asked to do, the same for every side. A side only says how a node is made, linked and heard:
// `town = { nodes: [{ publish(data), hear(listener) }], link(a, b), ready() }`.
import { quantile, sleep } from './measure.mjs'

/** A publication that has not reached everybody by then no longer holds a place in the window. */
const LATE_MS = 5_000
const WARM_UP_MS = 1_500

/** A ring, so that all can be reached, and so many dials besides for each node: the same for every side. */
export function linksOf(count, extra) {
  const random = randomNumbers(42)
  const links = new Map()
  const add = (a, b) => { if (a !== b) links.set(a < b ? `${a}-${b}` : `${b}-${a}`, [a, b]) }
  for (let i = 0; i < count; i++) add(i, (i + 1) % count)
  for (let i = 0; i < count; i++) for (let k = 0; k < extra; k++) add(i, Math.floor(random() * count))
  return [...links.values()]
}

/** As fast as they can: `window` publishers at random, each with `batch` publications under way, each of those waited for. */
export async function saturate(makeTown, { nodes: count, extra, size, seconds, window, batch }) {
  const load = await Load.begin(makeTown, count, extra, size)
  const publishers = (ms) => {
    const end = performance.now() + ms
    return Promise.all(Array.from({ length: window }, async () => {
      while (performance.now() < end) await load.publish(batch)
    }))
  }
  await publishers(WARM_UP_MS)
  load.reset()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await publishers(seconds * 1_000)
  return load.figures((performance.now() - start) / 1_000, process.cpuUsage(cpu))
}

/** `rate` publications a second, which every side can carry: how long they take. */
export async function paced(makeTown, { nodes: count, extra, size, seconds, rate }) {
  const load = await Load.begin(makeTown, count, extra, size)
  for (let i = 0; i < 20; i++) await load.publish(1)
  load.reset()
  const cpu = process.cpuUsage()
  const start = performance.now()
  const all = []
  for (let i = 0; i < rate * seconds; i++) {
    await sleep(Math.max(0, start + i * 1_000 / rate - performance.now()))
    all.push(load.publish(1))
  }
  await Promise.all(all)
  const figures = load.figures((performance.now() - start) / 1_000, process.cpuUsage(cpu))
  if (figures.delivered !== figures.expected) throw new Error(`expected ${figures.expected} deliveries at ${rate} publications a second, got ${figures.delivered}`)
  return figures
}

class Load {
  #random = randomNumbers(7)
  #pending = new Map()
  #latencies = []
  #next = 0
  #first = 0
  #invalid = 0

  static async begin(makeTown, count, extra, size) {
    const load = new Load()
    load.size = size
    load.town = await makeTown(count)
    for (const node of load.town.nodes) node.hear(data => load.#hear(data))
    for (const [a, b] of linksOf(count, extra)) await load.town.link(a, b)
    await load.town.ready()
    await sleep(3_000)
    return load
  }

  reset() {
    this.#latencies = []
    this.#first = this.#next
  }

  /** One node says so many at once, as it would what one event brought to its application. */
  async publish(batch) {
    const { nodes } = this.town
    const node = nodes[Math.floor(this.#random() * nodes.length)]
    await Promise.all(Array.from({ length: batch }, () => this.#publishOne(node)))
  }

  async #publishOne(node) {
    const data = new Uint8Array(this.size)
    const view = new DataView(data.buffer)
    const number = this.#next++
    view.setUint32(0, number)
    view.setFloat64(4, performance.now())
    const heard = new Promise(resolve => this.#pending.set(number, { left: this.town.nodes.length - 1, resolve }))
    await node.publish(data)
    await Promise.race([heard, sleep(LATE_MS)])
  }

  #hear(data) {
    if (data.length !== this.size) { this.#invalid++; return }
    const view = new DataView(data.buffer, data.byteOffset)
    const number = view.getUint32(0)
    if (number >= this.#first) this.#latencies.push(performance.now() - view.getFloat64(4))
    const waiting = this.#pending.get(number)
    if (waiting === undefined || --waiting.left > 0) return
    this.#pending.delete(number)
    waiting.resolve()
  }

  figures(seconds, { user, system }) {
    if (this.#invalid > 0) throw new Error(`${this.#invalid} deliveries of a wrong size`)
    const delivered = this.#latencies.length
    return {
      deliveriesPerSecond: delivered / seconds, cpuMs: (user + system) / 1_000 / delivered,
      p50: quantile(this.#latencies, 0.5), p99: quantile(this.#latencies, 0.99),
      delivered, expected: (this.#next - this.#first) * (this.town.nodes.length - 1), seconds,
    }
  }
}

/** Mulberry32: every side and every run draws the same. */
function randomNumbers(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
