import type { ProtocolContext } from '../contracts/protocol.ts'
import type { IPubSub } from '../contracts/pubsub.ts'
import type { IResourceDirectory } from '../contracts/resources.ts'
import type { IStore } from '../contracts/store.ts'

/** Throws when what is guarded may not be used any more. */
type Guard = () => void

/** The same, as long as the guard lets it be used. */
export function guardedResources(resources: IResourceDirectory, guard: Guard): IResourceDirectory {
  return {
    announce: async (type, id, data, options) => {
      guard()
      return await resources.announce(type, id, data, options)
    },
    discover: async (type, filters, options) => {
      guard()
      return await resources.discover(type, filters, options)
    },
    discoverPage: async (type, filters, options) => {
      guard()
      return await resources.discoverPage(type, filters, options)
    },
    get: async (type, id, options) => {
      guard()
      return await resources.get(type, id, options)
    },
    watch: (type, filters, options) => {
      guard()
      return resources.watch(type, filters, options)
    },
    getStats: () => resources.getStats(),
  }
}

export function guardedPubSub(pubsub: IPubSub, guard: Guard): IPubSub {
  return {
    publish: async (topic, payload, options) => {
      guard()
      return await pubsub.publish(topic, payload, options)
    },
    subscribe: (...args: Parameters<IPubSub['subscribe']>) => {
      guard()
      return pubsub.subscribe(...args)
    },
  }
}

export function guardedAddresses(addresses: ProtocolContext['addresses'], guard: Guard): ProtocolContext['addresses'] {
  return {
    add: async (record, from) => {
      guard()
      return await addresses.add(record, from)
    },
    own: async () => {
      guard()
      return await addresses.own()
    },
    sample: count => {
      guard()
      return addresses.sample(count)
    },
  }
}

export function guardedStore(store: IStore, guard: Guard): IStore {
  return {
    get: async key => {
      guard()
      return await store.get(key)
    },
    put: async (key, value, options) => {
      guard()
      await store.put(key, value, options)
    },
    delete: async key => {
      guard()
      await store.delete(key)
    },
    async *entries(prefix, options) {
      guard()
      yield* store.entries(prefix, options)
    },
  }
}
