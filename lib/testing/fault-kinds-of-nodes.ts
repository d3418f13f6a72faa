import type { FaultKindSpec, FaultWorld } from './fault.ts'
import type { SimNode } from './sim-node.ts'
import type { SimRandom } from './sim-random.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
/** How wrong a wall clock gets. */
const JUMP_MS_MAX = 10 * MINUTE
/** A crash comes at one of so many next calls of clock, store, signer and socket. */
const CALLS_MAX = 300

/** A node drawn at random, if it is up. */
function upNode({ nodes }: FaultWorld, random: SimRandom): SimNode | undefined {
  const node = random.pick(nodes)
  return node.isUp ? node : undefined
}

/** A fault of one node that is up. */
function ofNode(forMs: readonly [number, number], begin: (node: SimNode, world: FaultWorld, random: SimRandom) => { what: string; end?: () => void } | undefined): FaultKindSpec {
  return {
    forMs,
    begin(world, random) {
      const node = upNode(world, random)
      return node && begin(node, world, random)
    },
  }
}

export const NODE_FAULTS = {
  'crash': ofNode([SECOND, MINUTE], (node, world) => {
    world.crash(node)
    return { what: `${node.name} crashes`, end: () => world.restart(node) }
  }),

  'power-loss': ofNode([SECOND, MINUTE], (node, world) => {
    world.crash(node, { power: true })
    return { what: `${node.name} loses power`, end: () => world.restart(node) }
  }),

  'torn-write': ofNode([SECOND, MINUTE], (node, world) => {
    world.crash(node, { power: true, torn: true })
    return { what: `${node.name} loses power in the middle of a write`, end: () => world.restart(node) }
  }),

  'crash-at-call': ofNode([10 * SECOND, MINUTE], (node, world, random) => {
    const calls = 1 + random.below(CALLS_MAX)
    const { life } = node
    life.dieAtCall(calls)
    return {
      what: `${node.name} crashes at its ${calls}th call from now to clock, store, signer or socket`,
      end() {
        life.dieAtCall(Infinity)
        world.restart(node)
      },
    }
  }),

  'old-disk': ofNode([10 * SECOND, 2 * MINUTE], (node, world) => {
    const backup = node.store.image()
    return {
      what: `${node.name} is copied, and the copy put back later`,
      end() {
        world.crash(node)
        node.store.restore(backup)
        world.restart(node)
      },
    }
  }),

  'corrupt-record': ofNode([SECOND, 10 * SECOND], (node, world, random) => {
    world.crash(node)
    const key = node.store.corrupt(random)
    return { what: `${node.name} crashes and one bit of ${key === undefined ? 'nothing' : JSON.stringify(key)} flips`, end: () => world.restart(node) }
  }),

  'stall': ofNode([SECOND, SECOND], (node, _, random) => {
    const forMs = random.between(200, 5 * SECOND)
    node.clock.stall(forMs)
    node.host.pace.stalledUntilMs = node.clock.pace.stalledUntilMs
    return { what: `${node.name} is stuck for ${Math.round(forMs)} ms` }
  }),

  'clock-jump': ofNode([5 * SECOND, MINUTE], (node, _, random) => {
    const ms = Math.round(random.between(-JUMP_MS_MAX, JUMP_MS_MAX))
    shift(node, ms)
    return { what: `the clock of ${node.name} jumps by ${ms} ms`, end: () => shift(node, -ms) }
  }),

  'clock-back-at-restart': ofNode([20 * SECOND, MINUTE], (node, world, random) => {
    const ms = Math.round(random.between(SECOND, JUMP_MS_MAX))
    world.crash(node)
    shift(node, -ms)
    world.restart(node)
    return { what: `${node.name} restarts ${ms} ms in the past`, end: () => shift(node, ms) }
  }),

  'disk-full': ofNode([5 * SECOND, MINUTE], node => {
    const full = node.store.fillUp()
    return { what: `the disk of ${node.name} is full`, end: () => full.release() }
  }),

  'slow-disk': ofNode([5 * SECOND, MINUTE], (node, _, random) => {
    const { latencyMs, syncMs } = node.store
    node.store.latencyMs = random.between(5, 200)
    node.store.syncMs = random.between(50, 2 * SECOND)
    return {
      what: `the disk of ${node.name} is slow`,
      end() {
        node.store.latencyMs = latencyMs
        node.store.syncMs = syncMs
      },
    }
  }),

  'out-of-sockets': ofNode([5 * SECOND, MINUTE], node => {
    node.host.outOfSockets = true
    return { what: `${node.name} may open no more sockets`, end: () => { node.host.outOfSockets = false } }
  }),

  'shutdown': ofNode([SECOND, MINUTE], (node, world) => {
    world.beside(() => node.stop())
    return { what: `${node.name} shuts down in good order`, end: () => world.restart(node) }
  }),

  'failing-signer': ofNode([5 * SECOND, 30 * SECOND], node => {
    node.signer = 'fails'
    return { what: `the signer of ${node.name} fails`, end: () => { node.signer = 'good' } }
  }),

  'forged-signatures': ofNode([5 * SECOND, 30 * SECOND], node => {
    node.signer = 'forges'
    return { what: `${node.name} signs badly`, end: () => { node.signer = 'good' } }
  }),
} as const satisfies Record<string, FaultKindSpec>

function shift(node: SimNode, ms: number): void {
  if (node.isUp) node.clock.jump(ms)
  else node.skewMs += ms
}
