import type { PeerId } from '../../contracts/message.ts'
import type { Item } from './definition.ts'
import { joinIds } from './item-id.ts'
import { IDS_PER_WORD_MAX, ITEM_BYTES_PER_WORD_MAX, ITEMS_PER_WORD_MAX, WAITING_WORDS_MAX } from './limits.ts'

/** What this tick has for one peer. */
class Slot {
  items: Item[] = []
  bytes = 0
  spared: Uint8Array[] = []
  isDirty = false
  /** Words handed over for which its link had no room yet. */
  waiting = 0
  readonly settled = (): void => {
    this.waiting--
  }
}

export interface OutgoingOptions {
  /** Resolves when the peer's link has room for more. */
  send(to: PeerId, type: 'items' | 'dont-want', payload: unknown): Promise<void>
  /** Runs when this tick's input has been handled. */
  defer(run: () => void): void
}

/**
 * Gathers items and refusals for the length of a tick, so that a peer gets one word with all of them instead of one
 * word for each. A peer that reads too slowly is left out: announcements reach it when it has caught up.
 */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #slots = new Map<PeerId, Slot>()
  #dirty: [PeerId, Slot][] = []
  /** Items not pushed to peers that read too slowly. */
  dropped = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  push(to: PeerId, item: Item): void {
    const slot = this.#slotOf(to)
    if (slot.waiting >= WAITING_WORDS_MAX) {
      this.dropped++
      return
    }
    const isFull = slot.items.length >= ITEMS_PER_WORD_MAX || (slot.items.length > 0 && slot.bytes + item.frame.length > ITEM_BYTES_PER_WORD_MAX)
    if (isFull) this.#sendItems(to, slot)
    slot.items.push(item)
    slot.bytes += item.frame.length
    this.#mark(to, slot)
  }

  /** `to` need not push this id to us. */
  spare(to: PeerId, id: Uint8Array): void {
    const slot = this.#slotOf(to)
    if (slot.spared.length >= IDS_PER_WORD_MAX) return
    slot.spared.push(id)
    this.#mark(to, slot)
  }

  forget(peerId: PeerId): void {
    this.#slots.delete(peerId)
  }

  clear(): void {
    this.#slots.clear()
    this.#dirty = []
  }

  /** Every peer here has a link, so there are as many slots as links. */
  #slotOf(peerId: PeerId): Slot {
    let slot = this.#slots.get(peerId)
    if (slot === undefined) this.#slots.set(peerId, slot = new Slot())
    return slot
  }

  #mark(to: PeerId, slot: Slot): void {
    if (slot.isDirty) return
    slot.isDirty = true
    if (this.#dirty.length === 0) this.#options.defer(() => this.#flush())
    this.#dirty.push([to, slot])
  }

  #flush(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const [to, slot] of dirty) {
      slot.isDirty = false
      if (this.#slots.get(to) !== slot) continue
      if (slot.spared.length > 0) this.#sendSpared(to, slot)
      if (slot.items.length > 0) this.#sendItems(to, slot)
    }
  }

  #sendSpared(to: PeerId, slot: Slot): void {
    const ids = joinIds(slot.spared)
    slot.spared = []
    this.#send(to, slot, 'dont-want', { ids })
  }

  #sendItems(to: PeerId, slot: Slot): void {
    const list = slot.items
    slot.items = []
    slot.bytes = 0
    this.#send(to, slot, 'items', { list })
  }

  /** What cannot be sent is lost like anything on a bad line: the peer hears of it again. */
  #send(to: PeerId, slot: Slot, type: 'items' | 'dont-want', payload: unknown): void {
    slot.waiting++
    this.#options.send(to, type, payload).then(slot.settled, slot.settled)
  }
}
