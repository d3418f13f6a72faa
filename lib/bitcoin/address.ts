import { Address, NETWORK, OutScript, TEST_NETWORK } from '@scure/btc-signer'
import { concatBytes } from '../foundation/bytes.ts'

export type BitcoinNetwork = 'bitcoin' | 'testnet' | 'signet' | 'regtest'

const PARAMETERS: Record<BitcoinNetwork, typeof NETWORK> = {
  bitcoin: NETWORK,
  testnet: TEST_NETWORK,
  signet: TEST_NETWORK,
  regtest: { ...TEST_NETWORK, bech32: 'bcrt' },
}

/** BIP341, BIP350: the address that pays to an output key of 32 bytes. Throws RangeError for another network or length. */
export function taprootAddress(outputKey: Uint8Array, network: BitcoinNetwork = 'bitcoin'): string {
  if (outputKey.length !== 32) throw new RangeError(`expected an x-only output key of 32 bytes, got ${outputKey.length}`)
  return Address(parametersOf(network)).encode({ type: 'tr', pubkey: outputKey })
}

/** The script of a taproot output: OP_1 and 32 bytes. */
export function taprootScript(outputKey: Uint8Array): Uint8Array {
  if (outputKey.length !== 32) throw new RangeError(`expected an x-only output key of 32 bytes, got ${outputKey.length}`)
  return concatBytes(Uint8Array.of(0x51, 0x20), outputKey)
}

/** The output key of a taproot script, or null for any other script. */
export function outputKeyOf(script: Uint8Array): Uint8Array | null {
  return script.length === 34 && script[0] === 0x51 && script[1] === 0x20 ? script.slice(2) : null
}

/** The script an address pays to. Throws RangeError for what is no address of this network. */
export function scriptOfAddress(address: string, network: BitcoinNetwork = 'bitcoin'): Uint8Array {
  try {
    return OutScript.encode(Address(parametersOf(network)).decode(address))
  } catch (cause) {
    throw new RangeError(`expected an address of ${network}, got ${JSON.stringify(address.slice(0, 100))}`, { cause })
  }
}

/** The address a script pays to, or null for a script that has none. */
export function addressOfScript(script: Uint8Array, network: BitcoinNetwork = 'bitcoin'): string | null {
  try {
    return Address(parametersOf(network)).encode(OutScript.decode(script))
  } catch {
    return null
  }
}

function parametersOf(network: BitcoinNetwork): typeof NETWORK {
  if (!Object.hasOwn(PARAMETERS, network)) throw new RangeError(`expected network ${Object.keys(PARAMETERS).join(', ')}, got ${JSON.stringify(network)}`)
  return PARAMETERS[network]
}
