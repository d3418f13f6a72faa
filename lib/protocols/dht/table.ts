import type { PeerId } from '../../contracts/message.ts'
import { CONTACTS_MAX } from './limits.ts'
import type { Place } from './netgroup.ts'
import { rowOf } from './referral.ts'
import { compareDistance, shareBetween, sharedBits, type Position } from './position.ts'

/** A node with a link that serves. */
export interface Contact extends Place {
  readonly id: PeerId
  readonly position: Position
  /** We dialled it: nobody can fill a bucket with those by dialling us. */
  readonly outbound: boolean
  readonly bucket: number
  /** As it is named to others. */
  readonly row: Uint8Array
}

export interface TableOptions {
  own: Position
  k: number
  perGroupInBucket: number
  perGroup: number
  perAddress: number
}

/**
 * Whom we can ask at once, and name to others: peers with a link, by how many leading bits they share with us. Who does not fit
 * (its bucket is full, or its network is too often here already) waits until there is room.
 */
export class Table {
  readonly #options: TableOptions
  readonly #contacts = new Map<PeerId, Contact>()
  readonly #waiting = new Map<PeerId, Contact>()
  readonly #buckets = new Map<number, Set<Contact>>()
  readonly #groups = new Map<number, number>()
  readonly #addresses = new Map<string, number>()

  constructor(options: TableOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#contacts.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get(id: PeerId): Contact | undefined {
    return this.#contacts.get(id)
  }

  all(): Iterable<Contact> {
    return this.#contacts.values()
  }

  countIn(bucket: number): number {
    return this.#buckets.get(bucket)?.size ?? 0
  }

  /** True when it is a contact now; false when it waits, or when there are too many altogether. */
  admit(facts: Place & { id: PeerId; position: Position; outbound: boolean }): boolean {
    if (this.#contacts.has(facts.id)) return true
    if (this.#contacts.size + this.#waiting.size >= CONTACTS_MAX) return false
    const contact: Contact = { ...facts, bucket: sharedBits(this.#options.own, facts.position), row: rowOf(facts) }
    this.#waiting.delete(contact.id)
    if (this.#fits(contact)) {
      this.#add(contact)
      return true
    }
    const worse = contact.outbound ? this.#replaceable(contact) : undefined
    if (worse === undefined) {
      this.#waiting.set(contact.id, contact)
      return false
    }
    this.#drop(worse)
    this.#waiting.set(worse.id, worse)
    this.#add(contact)
    return true
  }

  /** Its link is gone, or it no longer serves. */
  remove(id: PeerId): void {
    this.#waiting.delete(id)
    const contact = this.#contacts.get(id)
    if (contact === undefined) return
    this.#drop(contact)
    for (const waiting of this.#waiting.values()) {
      if (!this.#fits(waiting)) continue
      this.#waiting.delete(waiting.id)
      this.#add(waiting)
      return
    }
  }

  /** The nearest to a place, the nearest first. */
  nearest(target: Position, count: number, except?: PeerId): Contact[] {
    const best: Contact[] = []
    for (const contact of this.#contacts.values()) {
      if (contact.id === except) continue
      if (best.length >= count && compareDistance(target, contact.position, best[best.length - 1]!.position) >= 0) continue
      let at = best.length
      while (at > 0 && compareDistance(target, contact.position, best[at - 1]!.position) < 0) at--
      best.splice(at, 0, contact)
      if (best.length > count) best.pop()
    }
    return best
  }

  /** How many nodes there seem to be, from how close the nearest `k` are. With fewer contacts than that: those and us. */
  estimate(): number {
    const { own, k } = this.#options
    const near = this.nearest(own, k)
    if (near.length < k) return near.length + 1
    return Math.max(near.length + 1, k / shareBetween(own, near[near.length - 1]!.position))
  }

  #fits({ bucket, group, address }: Contact): boolean {
    const { k, perGroupInBucket, perGroup, perAddress } = this.#options
    const inBucket = this.#buckets.get(bucket)
    if (inBucket !== undefined && inBucket.size >= k) return false
    if (group === 0) return true
    if ((this.#groups.get(group) ?? 0) >= perGroup || (this.#addresses.get(address) ?? 0) >= perAddress) return false
    let same = 0
    for (const contact of inBucket ?? []) if (contact.group === group) same++
    return same < perGroupInBucket
  }

  /** The youngest of those that dialled us, in whose stead a node that we dialled would fit. */
  #replaceable(contact: Contact): Contact | undefined {
    const inbound = [...this.#buckets.get(contact.bucket) ?? []].filter(({ outbound }) => !outbound).reverse()
    for (const worse of inbound) {
      this.#drop(worse)
      const fits = this.#fits(contact)
      this.#add(worse)
      if (fits) return worse
    }
    return undefined
  }

  #add(contact: Contact): void {
    this.#contacts.set(contact.id, contact)
    let bucket = this.#buckets.get(contact.bucket)
    if (bucket === undefined) this.#buckets.set(contact.bucket, bucket = new Set())
    bucket.add(contact)
    if (contact.group === 0) return
    this.#groups.set(contact.group, (this.#groups.get(contact.group) ?? 0) + 1)
    this.#addresses.set(contact.address, (this.#addresses.get(contact.address) ?? 0) + 1)
  }

  #drop(contact: Contact): void {
    this.#contacts.delete(contact.id)
    const bucket = this.#buckets.get(contact.bucket)
    bucket?.delete(contact)
    if (bucket?.size === 0) this.#buckets.delete(contact.bucket)
    if (contact.group === 0) return
    lessen(this.#groups, contact.group)
    lessen(this.#addresses, contact.address)
  }
}

function lessen<K>(counts: Map<K, number>, key: K): void {
  const count = (counts.get(key) ?? 0) - 1
  if (count <= 0) counts.delete(key)
  else counts.set(key, count)
}
