import type { FaultKindSpec, FaultWorld } from './fault.ts'
import type { LinkQuality } from './link-quality.ts'
import { NODE_FAULTS } from './fault-kinds-of-nodes.ts'
import type { SimHost } from './sim-host.ts'
import type { SimNode } from './sim-node.ts'
import type { SimRandom } from './sim-random.ts'

const SECOND = 1_000

const everywhere = (): boolean => true
const around = (host: SimHost) => (from: SimHost, to: SimHost): boolean => from === host || to === host
const between = (a: SimHost, b: SimHost) => (from: SimHost, to: SimHost): boolean => (from === a && to === b) || (from === b && to === a)

/** Two nodes that are not the same. */
function pair({ nodes }: FaultWorld, random: SimRandom): [SimNode, SimNode] | undefined {
  if (nodes.length < 2) return undefined
  const first = random.below(nodes.length)
  const second = (first + 1 + random.below(nodes.length - 1)) % nodes.length
  return [nodes[first]!, nodes[second]!]
}

/** A line or all lines of one machine become worse. */
function worse(name: string, forMs: readonly [number, number], draw: (random: SimRandom) => Partial<LinkQuality>, reach: 'node' | 'all' | 'pair'): FaultKindSpec {
  return {
    forMs,
    begin(world, random) {
      const quality = draw(random)
      const two = pair(world, random)
      if (two === undefined) return undefined
      const [a, b] = two
      const applies = reach === 'all' ? everywhere : reach === 'node' ? around(a.host) : between(a.host, b.host)
      const whose = reach === 'all' ? 'everywhere' : reach === 'node' ? `around ${a.name}` : `between ${a.name} and ${b.name}`
      const imposed = world.network.impose({ applies, quality })
      return { what: `${name} ${whose}: ${JSON.stringify(rounded(quality))}`, end: () => imposed[Symbol.dispose]() }
    },
  }
}

function rounded(quality: Partial<LinkQuality>): Record<string, number> {
  return Object.fromEntries(Object.entries(quality).map(([name, value]) => [name, Number(value.toPrecision(3))]))
}

/** Hands on the path that a reliable channel never has by itself; the sealed link has to be cut. */
const hostile = (name: string, rate: keyof LinkQuality): FaultKindSpec =>
  worse(name, [2 * SECOND, 20 * SECOND], random => ({ [rate]: random.between(0.005, 0.05) }), 'pair')

const NETWORK_FAULTS = {
  'loss': worse('loss', [5 * SECOND, 60 * SECOND], random => ({ lossRate: random.between(0.01, 0.3) }), 'node'),
  'burst-loss': worse('burst loss', [500, 3 * SECOND], random => ({ lossRate: random.between(0.5, 0.95) }), 'all'),
  'delay': worse('heavy tail', [10 * SECOND, 60 * SECOND], random => ({ tailRate: random.between(0.02, 0.2), tailMsMax: 5 * SECOND }), 'node'),
  'jitter': worse('jitter', [10 * SECOND, 60 * SECOND], random => ({ jitterMs: random.between(50, 500) }), 'all'),
  'slow-link': worse('slow link', [10 * SECOND, 60 * SECOND], () => ({ bytesPerSecond: 10_000 }), 'node'),
  'resets': worse('resets', [2 * SECOND, 20 * SECOND], random => ({ resetRate: random.between(0.01, 0.1) }), 'node'),
  'duplicate-frames': hostile('frames twice', 'duplicateRate'),
  'reorder-frames': hostile('frames out of order', 'reorderRate'),
  'corrupt-frames': hostile('changed frames', 'corruptRate'),
  'truncate-frames': hostile('shortened frames', 'truncateRate'),

  'one-way-cut': {
    forMs: [5 * SECOND, 90 * SECOND],
    begin(world, random) {
      const two = pair(world, random)
      if (two === undefined) return undefined
      const [a, b] = two
      const all = random.chance(0.3)
      const imposed = world.network.impose({ cut: true, applies: (from, to) => from === a.host && (all || to === b.host) })
      return { what: `nothing gets from ${a.name} to ${all ? 'anybody' : b.name}`, end: () => imposed[Symbol.dispose]() }
    },
  },

  'partition-halves': {
    forMs: [5 * SECOND, 90 * SECOND],
    begin({ nodes, network }, random) {
      const one = random.shuffled(nodes).slice(0, Math.ceil(nodes.length / 2))
      const imposed = network.partition([one.map(({ host }) => host)])
      return { what: `two halves, one of them ${one.map(({ name }) => name).join(' ')}`, end: () => imposed[Symbol.dispose]() }
    },
  },

  'partition-ring': {
    forMs: [5 * SECOND, 60 * SECOND],
    begin({ nodes, network }, random) {
      const place = new Map(random.shuffled(nodes).map(({ host }, index) => [host, index]))
      const size = nodes.length
      const isNear = (a: SimHost, b: SimHost): boolean => {
        const apart = Math.abs((place.get(a) ?? 0) - (place.get(b) ?? 0))
        return Math.min(apart, size - apart) <= 2
      }
      const imposed = network.impose({ cut: true, applies: (from, to) => !isNear(from, to) })
      return { what: 'a ring: everybody reaches two on either side', end: () => imposed[Symbol.dispose]() }
    },
  },

  'flapping': {
    forMs: [10 * SECOND, 60 * SECOND],
    begin({ nodes, network, clock }, random) {
      const node = random.pick(nodes)
      let cut: Disposable | undefined
      let timer: Disposable
      const flip = (): void => {
        if (cut === undefined) cut = network.impose({ cut: true, applies: around(node.host) })
        else {
          cut[Symbol.dispose]()
          cut = undefined
        }
        timer = clock.schedule(random.between(SECOND, 5 * SECOND), flip)
      }
      flip()
      return {
        what: `the line of ${node.name} comes and goes`,
        end() {
          timer[Symbol.dispose]()
          cut?.[Symbol.dispose]()
        },
      }
    },
  },

  // FoundationDB's swizzle: a subset is cut off one by one and comes back in another order.
  'clog': {
    forMs: [20 * SECOND, 60 * SECOND],
    begin({ nodes, network, clock }, random) {
      const some = random.shuffled(nodes).slice(0, Math.max(1, Math.floor(nodes.length / 4)))
      const cuts = new Map<SimNode, Disposable>()
      const timers = some.map(node => clock.schedule(random.between(0, 10 * SECOND), () => void cuts.set(node, network.impose({ cut: true, applies: around(node.host) }))))
      const mends = some.map(node => clock.schedule(random.between(10 * SECOND, 20 * SECOND), () => {
        cuts.get(node)?.[Symbol.dispose]()
        cuts.delete(node)
      }))
      return {
        what: `clogged one by one: ${some.map(({ name }) => name).join(' ')}`,
        end() {
          for (const timer of [...timers, ...mends]) timer[Symbol.dispose]()
          for (const cut of cuts.values()) cut[Symbol.dispose]()
        },
      }
    },
  },

  'half-open': {
    forMs: [SECOND, SECOND],
    begin({ nodes }, random) {
      const node = random.pick(nodes)
      const channels = [...node.host.channels]
      if (channels.length === 0) return undefined
      const channel = random.pick(channels)
      channel.hang()
      return { what: `a channel between ${node.name} and ${channel.remote.host.name} is dead and neither knows` }
    },
  },

  'stopped-reader': {
    forMs: [5 * SECOND, 60 * SECOND],
    begin({ nodes }, random) {
      const node = random.pick(nodes)
      const stopped = [...node.host.channels].map(channel => channel.stopReading())
      return { what: `${node.name} reads nothing`, end: () => stopped.forEach(each => each[Symbol.dispose]()) }
    },
  },

  'address-change': {
    forMs: [2 * SECOND, 10 * SECOND],
    begin({ nodes, network, beside }, random) {
      const node = random.pick(nodes)
      network.move(node.host)
      return {
        what: `${node.name} moves to ${node.host.address}`,
        end: () => beside(async () => { if (node.isUp && node.options.listens !== false) await node.listen() }),
      }
    },
  },

  'listener-crash': {
    forMs: [SECOND, 20 * SECOND],
    begin({ nodes, beside }, random) {
      const node = random.pick(nodes)
      const broken = [...node.host.listeners.values()]
      if (broken.length === 0) return undefined
      for (const listener of broken) listener.break()
      return {
        what: `the listener of ${node.name} breaks`,
        end: () => beside(async () => { if (node.isUp && node.host.listeners.size === 0) await node.listen() }),
      }
    },
  },
} as const satisfies Record<string, FaultKindSpec>

/** Every fault there is, by name. */
export const FAULT_KINDS = { ...NETWORK_FAULTS, ...NODE_FAULTS } as const satisfies Record<string, FaultKindSpec>

export type FaultKind = keyof typeof FAULT_KINDS
