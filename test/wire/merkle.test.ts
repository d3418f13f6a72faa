import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fromHex, toHex } from '../../lib/foundation/hex.ts'
import { MerkleTree, pathLength, rootFromPath } from '../../lib/wire/merkle.ts'

const join = (left: string, right: string): string => `(${left} ${right})`
const leaves = (count: number): string[] => Array.from({ length: count }, (_, index) => `d${index}`)

const rfc9162 = suite('RFC 9162, section 2.1')

/** MTH of section 2.1.1, word for word: split at the largest power of two below the count. */
function definedRoot(all: readonly string[]): string {
  if (all.length === 1) return all[0]!
  const split = largestPowerBelow(all.length)
  return join(definedRoot(all.slice(0, split)), definedRoot(all.slice(split)))
}

/** PATH of section 2.1.3.1. */
function definedPath(index: number, all: readonly string[]): string[] {
  if (all.length === 1) return []
  const split = largestPowerBelow(all.length)
  return index < split
    ? [...definedPath(index, all.slice(0, split)), definedRoot(all.slice(split))]
    : [...definedPath(index - split, all.slice(split)), definedRoot(all.slice(0, split))]
}

function largestPowerBelow(count: number): number {
  let power = 1
  while (2 * power < count) power *= 2
  return power
}

rfc9162('section 2.1.5: the tree of seven leaves and its four paths', () => {
  const tree = new MerkleTree(leaves(7), join)
  const [a, b, c, d, e, f] = leaves(6)
  const [g, h, i, j] = [join(a!, b!), join(c!, d!), join(e!, f!), 'd6']
  const [k, l] = [join(g, h), join(i, j)]
  assert.is(tree.root, join(k, l))
  assert.equal(tree.path(0), [b, h, l])
  assert.equal(tree.path(3), [c, g, l])
  assert.equal(tree.path(4), [f, j, k])
  assert.equal(tree.path(6), [i, k])
})

rfc9162('roots and paths are those of the definition for every count to 130 and every index', () => {
  for (let count = 1; count <= 130; count++) {
    const all = leaves(count)
    const tree = new MerkleTree(all, join)
    assert.is(tree.count, count)
    assert.is(tree.root, definedRoot(all))
    for (let index = 0; index < count; index++) assert.equal(tree.path(index), definedPath(index, all))
  }
})

/** The test tree of certificate-transparency-go: eight leaves, hashed with a byte 0 before leaves and 1 before nodes. */
const CT_LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const CT_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d', 'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77', 'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4', '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c', '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

rfc9162('with the hashes of Certificate Transparency, its published roots', () => {
  const sha256 = (...parts: Uint8Array[]): Uint8Array => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
  const all = CT_LEAVES.map(hex => sha256(Uint8Array.of(0), fromHex(hex)))
  CT_ROOTS.forEach((root, index) => {
    const tree = new MerkleTree(all.slice(0, index + 1), (left, right) => sha256(Uint8Array.of(1), left, right))
    assert.is(toHex(tree.root), root)
  })
})

rfc9162.run()

const proofs = suite('inclusion')

proofs('every index of every count from 2 to 64 leads to the root', () => {
  for (let count = 2; count <= 64; count++) {
    const tree = new MerkleTree(leaves(count), join)
    for (let index = 0; index < count; index++) {
      const path = tree.path(index)
      assert.is(path.length, pathLength(index, count))
      assert.is(rootFromPath(`d${index}`, index, count, path, join), tree.root)
    }
  }
})

proofs('a path of any other length fails before anything is joined', () => {
  const never = (): string => {
    throw new Error('joined')
  }
  for (let count = 1; count <= 64; count++) {
    for (let index = 0; index < count; index++) {
      for (let length = 0; length <= 8; length++) {
        if (length === pathLength(index, count)) continue
        assert.is(rootFromPath('d', index, count, new Array<string>(length).fill('x'), never), null)
      }
    }
    for (const index of [-1, count, count + 1, 0.5, NaN]) assert.is(rootFromPath('d', index, count, [], never), null)
  }
})

proofs('the path of one leaf proves no other leaf, index or count', () => {
  for (let count = 2; count <= 20; count++) {
    const tree = new MerkleTree(leaves(count), join)
    for (let index = 0; index < count; index++) {
      const path = tree.path(index)
      for (let otherCount = 2; otherCount <= 20; otherCount++) {
        const otherRoot = new MerkleTree(leaves(otherCount), join).root
        for (let other = 0; other < otherCount; other++) {
          if (other === index && otherCount === count) continue
          // The root is signed together with the count, so the same root under another count proves nothing.
          const root = rootFromPath(`d${other}`, other, otherCount, path, join)
          assert.ok(root === null || root !== otherRoot || otherRoot !== tree.root, `${index} of ${count} as ${other} of ${otherCount}`)
        }
      }
    }
  }
})

proofs.run()
