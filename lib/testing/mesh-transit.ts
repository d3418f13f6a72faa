import type { MeshMessage } from './mesh-message.ts'

/**
 * Messages on their way, each in a numbered place. Places are used again, so that hundreds of thousands under way leave
 * nothing for the garbage collector but the messages themselves.
 */
export class MeshTransit<Way> {
  readonly #ways: (Way | undefined)[] = []
  readonly #messages: (MeshMessage | undefined)[] = []
  readonly #free: number[] = []

  /** Takes a place; returns its number. */
  put(way: Way, message: MeshMessage): number {
    const place = this.#free.pop() ?? this.#ways.length
    this.#ways[place] = way
    this.#messages[place] = message
    return place
  }

  wayIn(place: number): Way {
    return this.#ways[place]!
  }

  messageIn(place: number): MeshMessage {
    return this.#messages[place]!
  }

  /** Gives the place back. */
  clear(place: number): void {
    this.#ways[place] = undefined
    this.#messages[place] = undefined
    this.#free.push(place)
  }
}
