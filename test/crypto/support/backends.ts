import { createRequire } from 'node:module'
import { join } from 'node:path'
import * as tiny from 'tiny-secp256k1'
import type { ICryptoBackend } from '../../../lib/contracts/crypto.ts'
import type { Secp256k1Bindings } from '../../../lib/crypto/native-curve.ts'
import { createNativeBackend } from '../../../lib/crypto/native.node.ts'
import { createNobleBackend } from '../../../lib/crypto/noble.ts'
import { nodeSymmetric } from '../../../lib/crypto/node-symmetric.node.ts'
import { createWasmBackend } from '../../../lib/crypto/wasm.ts'
import { fakeBindings } from './fake-bindings.ts'

export interface NamedBackend { label: string; backend: ICryptoBackend }

/** The one that the others are held to. */
export const noble: ICryptoBackend = createNobleBackend()

const onNode = createNobleBackend(nodeSymmetric)

/** Each addon to test the native backend on: the fake one always, the real one from PEERWEFT_NATIVE_SECP256K1, a folder that has it installed. */
export const addons: { label: string; addon: Secp256k1Bindings }[] = [
  { label: 'native (fake addon)', addon: fakeBindings() },
  ...realAddon(),
]

function realAddon(): { label: string; addon: Secp256k1Bindings }[] {
  const folder = process.env['PEERWEFT_NATIVE_SECP256K1']
  if (folder === undefined || folder === '') return []
  const addon = createRequire(join(folder, 'here.js'))('secp256k1/bindings.js') as Secp256k1Bindings
  return [{ label: 'native (real addon)', addon }]
}

/** All but noble itself: curves on node:crypto, as Node runs them. */
export const others: NamedBackend[] = [
  { label: 'wasm', backend: createWasmBackend(tiny, onNode) },
  ...addons.map(({ label, addon }) => ({ label, backend: createNativeBackend(addon, onNode) })),
]

export const everyBackend: NamedBackend[] = [
  { label: 'noble', backend: noble },
  { label: 'noble with node:crypto', backend: onNode },
  { label: 'wasm with noble', backend: createWasmBackend(tiny, noble) },
  ...others,
]
