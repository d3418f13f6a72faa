import type { IProtocolHandler, IResourceDirectory, ResourceAnnouncement } from '../../lib/index.ts'
import { P2PCoordinator } from '../../lib/index.ts'
import type { SampleOptions } from './samples.ts'

/** Names a sample takes from the one before it. */
export function coordinatorGiven(coordinator: P2PCoordinator): NonNullable<SampleOptions['given']> {
  return { coordinator: { type: 'peerweft.P2PCoordinator', value: coordinator } }
}

export interface Pair extends AsyncDisposable {
  alice: P2PCoordinator
  bob: P2PCoordinator
  /** Where bob listens. */
  address: string
}

/** Two over a real socket, alice connected to bob under `name`. */
export async function connectedPair(name = 'bob'): Promise<Pair> {
  const alice = new P2PCoordinator({ peerId: 'alice' })
  const bob = new P2PCoordinator({ peerId: 'bob' })
  const { address } = await bob.listen('ws://127.0.0.1:0')
  await alice.connectToPeer({ peerId: name, addresses: { websocket: address }, state: 'disconnected', lastSeen: 0 })
  return { alice, bob, address, [Symbol.asyncDispose]: async () => void (await Promise.all([alice.shutdown(), bob.shutdown()])) }
}

/** A directory of one node: enough to see that the calls reach whoever plays the role. */
export function smallDirectory(): IProtocolHandler & { resources: IResourceDirectory } {
  const kept = new Map<string, ResourceAnnouncement>()
  const keyOf = (type: string, id: string): string => JSON.stringify([type, id])
  const matches = (resource: ResourceAnnouncement, filters: unknown): boolean =>
    Object.entries((filters ?? {}) as Record<string, unknown>).every(([field, value]) => (resource.data as Record<string, unknown>)[field] === value)
  const resources = {
    announce: async (resourceType: string, resourceId: string, data: unknown, { ttl = 60 }: { ttl?: number } = {}) => {
      const createdAt = Date.now()
      kept.set(keyOf(resourceType, resourceId), { resourceType, resourceId, data, creatorPeerId: 'me', createdAt, expiresAt: createdAt + ttl * 1000 })
      return {}
    },
    discover: async (type: string, filters?: unknown) => [...kept.values()].filter(resource => resource.resourceType === type && matches(resource, filters)),
    get: async (type: string, id: string) => kept.get(keyOf(type, id)) ?? null,
    getStats: () => ({ totalAnnouncements: kept.size }),
  } as unknown as IResourceDirectory
  return { protocolName: 'small-directory', handleMessage: async () => {}, resources }
}
