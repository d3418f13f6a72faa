/**
 * The tree of RFC 9162, section 2.1, over whatever a node is made of. Built level by level from the leaves: two
 * neighbours make a node, and a last one without a neighbour rises as it is. That is the tree whose
 * left side is the largest power of two below the count; no leaf or node is ever doubled.
 */
export class MerkleTree<T> {
  readonly #levels: (readonly T[])[]

  /** `leaves` has at least one. */
  constructor(leaves: readonly T[], join: (left: T, right: T) => T) {
    this.#levels = [leaves]
    for (let level = leaves; level.length > 1; this.#levels.push(level)) level = parents(level, join)
  }

  get count(): number {
    return this.#levels[0]!.length
  }

  get root(): T {
    return this.#levels.at(-1)![0]!
  }

  /** RFC 9162, section 2.1.3.1: what has to be joined to the leaf to arrive at the root, nearest first. */
  path(index: number): T[] {
    const path: T[] = []
    let place = index
    for (const level of this.#levels) {
      const neighbour = place ^ 1
      if (neighbour < level.length) path.push(level[neighbour]!)
      place >>>= 1
    }
    return path
  }
}

function parents<T>(level: readonly T[], join: (left: T, right: T) => T): T[] {
  const above: T[] = []
  for (let index = 0; index + 1 < level.length; index += 2) above.push(join(level[index]!, level[index + 1]!))
  if (level.length % 2 === 1) above.push(level.at(-1)!)
  return above
}

/** How many nodes the path of this leaf has: a path of any other length belongs to no tree of this count. */
export function pathLength(index: number, count: number): number {
  let length = 0
  for (let place = index, width = count; width > 1; place >>>= 1, width = (width + 1) >>> 1) {
    if ((place ^ 1) < width) length++
  }
  return length
}

/**
 * RFC 9162, section 2.1.3.2: the root that this leaf and its path lead to. Null where index, count and
 * length of the path do not belong together, which is found out before anything is joined.
 */
export function rootFromPath<T>(leaf: T, index: number, count: number, path: readonly T[], join: (left: T, right: T) => T): T | null {
  if (!Number.isInteger(index) || index < 0 || index >= count || path.length !== pathLength(index, count)) return null
  let node = leaf
  let next = 0
  for (let place = index, width = count; width > 1; place >>>= 1, width = (width + 1) >>> 1) {
    if ((place ^ 1) >= width) continue
    const neighbour = path[next++]!
    node = place % 2 === 1 ? join(neighbour, node) : join(node, neighbour)
  }
  return node
}
