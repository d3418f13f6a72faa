import type { Filters, IResourceDirectory } from '../../contracts/resources.ts'
import type { Directory, DhtAnnounceOptions, DhtReadOptions } from './directory.ts'
import type { WaitOptions } from '../../contracts/wait.ts'

/** The role, which outlives each registration: asked before or after, it says so. */
export class RoleOfDirectory implements IResourceDirectory {
  readonly #directory: () => Directory

  constructor(directory: () => Directory) {
    this.#directory = directory
  }

  async announce<T>(type: string, id: string, data: T, options?: DhtAnnounceOptions) {
    return await this.#directory().announce(type, id, data, options)
  }

  async discover<T = unknown>(type: string, filters?: Filters, options?: DhtReadOptions) {
    return await this.#directory().discover<T>(type, filters, options)
  }

  async discoverPage<T = unknown>(type: string, filters?: Filters, options?: DhtReadOptions & { cursor?: string; limit?: number }) {
    return await this.#directory().discoverPage<T>(type, filters, options)
  }

  async get<T = unknown>(type: string, id: string, options?: DhtReadOptions) {
    return await this.#directory().get<T>(type, id, options)
  }

  watch<T = unknown>(type: string, filters?: Filters, options?: WaitOptions) {
    return this.#directory().watch<T>(type, filters, options)
  }

  getStats() {
    return this.#directory().getStats()
  }
}
