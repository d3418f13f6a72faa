import type { PeerId } from '../contracts/message.ts'
import { utf8 } from '../foundation/bytes.ts'

// peers.md: 256 x 64 new, 64 x 64 tried.
export const HEARD_BUCKETS = 256
export const TRIED_BUCKETS = 64
export const BUCKET_SIZE = 64
/** Buckets that what one netgroup tells can come to, and those of what was tried in one netgroup (Heilman and others, 2015, section 2.2). */
export const BUCKETS_PER_SOURCE = 32
export const BUCKETS_PER_GROUP = 4
/** All names together are this many netgroups: a name costs less than a /16, and says less of where it is. */
export const NAME_GROUPS = 16
/** The book is stored in as many slices, so that a change rewrites a small part of it. */
export const SLICES = 32

/** All that came without a word of who told it. */
export const UNKNOWN_SOURCE = '?'

export interface AddressPlacesOptions {
  /** 32 secret bytes: nobody else may know which addresses share a bucket. */
  key: Uint8Array
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array
}

/** Says by a keyed hash where in the book an address belongs. */
export class AddressPlaces {
  readonly #options: AddressPlacesOptions

  constructor(options: AddressPlacesOptions) {
    this.#options = options
  }

  /** Bitcoin's GetNewBucket: what one source tells spreads over `BUCKETS_PER_SOURCE` buckets, by the addresses' netgroups. */
  heardBucket(group: string, source: string): number {
    const from = this.shareOf(source)
    const share = this.#hash('spread', from, this.shareOf(group)) % BUCKETS_PER_SOURCE
    return this.#hash('heard', from, String(share)) % HEARD_BUCKETS
  }

  /** Bitcoin's GetTriedBucket, and the one place in it. */
  triedPlace({ id, group }: { id: PeerId; group: string }): number {
    const share = this.#hash('share', id) % BUCKETS_PER_GROUP
    const bucket = this.#hash('tried', this.shareOf(group), String(share)) % TRIED_BUCKETS
    return bucket * BUCKET_SIZE + this.#hash('slot', String(bucket), id) % BUCKET_SIZE
  }

  /** What a netgroup counts as here: itself, but names are few. */
  shareOf(group: string): string {
    const isName = group !== UNKNOWN_SOURCE && !/[/:]/.test(group)
    return isName ? `name ${this.#hash('name', group) % NAME_GROUPS}` : group
  }

  sliceOf(id: PeerId): number {
    return this.#hash('slice', id) % SLICES
  }

  /** 32 bits of a keyed hash; NUL stands in no URL and no id. */
  #hash(...parts: string[]): number {
    const { hmac, key } = this.#options
    const [a, b, c, d] = hmac(key, utf8(parts.join('\0')))
    return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0
  }
}
