import { ErrorCode, P2PError } from '../contracts/errors.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IResourceDirectory } from '../contracts/resources.ts'
import type { Registry } from './registry.ts'

/** The resource calls, answered by whichever plugin plays that role at the time of the call. */
export function resourcesRole(registry: Registry): IResourceDirectory {
  const player = (): IResourceDirectory => {
    const directory = registry.role('resources')
    if (directory) return directory
    throw new P2PError(ErrorCode.RESOURCE_NO_DIRECTORY, 'no plugin answers resource questions here; register one that plays the role `resources`, such as the DHT')
  }
  return {
    announce: async (type, id, data, options) => await player().announce(type, id, data, options),
    discover: async (type, filters, options) => await player().discover(type, filters, options),
    discoverPage: async (type, filters, options) => await player().discoverPage(type, filters, options),
    get: async (type, id, options) => await player().get(type, id, options),
    watch: (type, filters, options) => player().watch(type, filters, options),
    getStats: () => registry.role('resources')?.getStats() ?? { totalAnnouncements: 0 },
  }
}

/** The publish and subscribe calls, likewise. */
export function pubsubRole(registry: Registry): IPubSub {
  const player = (): IPubSub => {
    const pubsub = registry.role('pubsub')
    if (pubsub) return pubsub
    throw new P2PError(ErrorCode.PUBSUB_NO_PROVIDER, 'no plugin publishes here; register one that plays the role `pubsub`, such as gossip')
  }
  return {
    publish: async (topic, payload, options) => await player().publish(topic, payload, options),
    subscribe: (...args: Parameters<IPubSub['subscribe']>) => player().subscribe(...args),
  }
}
