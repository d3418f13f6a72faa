/** Even draws before the keys are gone through in order: where that many miss, few are left to choose from. */
const DRAWS_MAX = 32

/** Items under keys, drawn by key first: who has many items under one key is no likelier to be drawn. */
export class GroupedIndex<T> {
  readonly #groups = new Map<string, T[]>()
  readonly #keys: string[] = []
  readonly #positions = new Map<string, number>()

  get groups(): number {
    return this.#keys.length
  }

  add(key: string, item: T): void {
    const group = this.#groups.get(key)
    if (group !== undefined) return void group.push(item)
    this.#groups.set(key, [item])
    this.#positions.set(key, this.#keys.length)
    this.#keys.push(key)
  }

  remove(key: string, item: T): void {
    const group = this.#groups.get(key)
    const at = group?.indexOf(item) ?? -1
    if (group === undefined || at < 0) return
    group[at] = group.at(-1)!
    group.pop()
    if (group.length === 0) this.#dropKey(key)
  }

  /** A key drawn evenly, then an item of it that `fits`; every key is looked at before it gives up. `fraction` is in [0, 1). */
  draw(fraction: () => number, fits: (item: T) => boolean): T | undefined {
    const keys = this.#keys.length
    for (let tried = 0; tried < Math.min(keys, DRAWS_MAX); tried++) {
      const found = this.#drawFrom(this.#keys[Math.floor(fraction() * keys)]!, fraction, fits)
      if (found !== undefined) return found
    }
    const start = Math.floor(fraction() * keys)
    for (let step = 0; step < keys; step++) {
      const found = this.#drawFrom(this.#keys[(start + step) % keys]!, fraction, fits)
      if (found !== undefined) return found
    }
    return undefined
  }

  #drawFrom(key: string, fraction: () => number, fits: (item: T) => boolean): T | undefined {
    const group = this.#groups.get(key)!
    const start = Math.floor(fraction() * group.length)
    for (let step = 0; step < group.length; step++) {
      const item = group[(start + step) % group.length]!
      if (fits(item)) return item
    }
    return undefined
  }

  #dropKey(key: string): void {
    const at = this.#positions.get(key)!
    const last = this.#keys.pop()!
    this.#positions.delete(key)
    this.#groups.delete(key)
    if (last === key) return
    this.#keys[at] = last
    this.#positions.set(last, at)
  }
}

