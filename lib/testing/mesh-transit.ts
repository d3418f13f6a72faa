import type { MeshMessage } from './mesh-message.ts'

/** Places at first; they double. */
const PLACES_MIN = 1_024

/**
 * Messages on their way, each in a numbered place: by which link, to which end. Places are used again, so that hundreds of thousands
 * under way leave nothing for the garbage collector but the messages themselves.
 */
export class MeshTransit<L> {
  #links: (L | undefined)[] = []
  #messages: (MeshMessage | undefined)[] = []
  #toDialler = new Uint8Array(PLACES_MIN)
  readonly #free: number[] = []

  /** Takes a place; returns its number. */
  put(link: L, toDialler: boolean, message: MeshMessage): number {
    const place = this.#free.pop() ?? this.#links.length
    if (place === this.#toDialler.length) this.#grow()
    this.#links[place] = link
    this.#messages[place] = message
    this.#toDialler[place] = toDialler ? 1 : 0
    return place
  }

  linkIn(place: number): L {
    return this.#links[place]!
  }

  messageIn(place: number): MeshMessage {
    return this.#messages[place]!
  }

  isToDialler(place: number): boolean {
    return this.#toDialler[place] === 1
  }

  /** Gives the place back. */
  clear(place: number): void {
    this.#links[place] = undefined
    this.#messages[place] = undefined
    this.#free.push(place)
  }

  #grow(): void {
    const larger = new Uint8Array(this.#toDialler.length * 2)
    larger.set(this.#toDialler)
    this.#toDialler = larger
  }
}
