import { P2PError } from '../../contracts/errors.ts'

/** What a signer contributes, in BIP327's words. */
export type ContributionKind = 'pubkey' | 'pubnonce' | 'aggnonce' | 'psig'

/** BIP327: a contribution that is none, with the index of the signer it came from; null for the aggregate nonce, which has no one author. */
export class InvalidContribution extends P2PError {
  readonly signerIndex: number | null
  readonly contribution: ContributionKind

  constructor(signerIndex: number | null, contribution: ContributionKind) {
    super('ERR_MUSIG2_INVALID_CONTRIBUTION', `the ${contribution}${signerIndex === null ? '' : ` of signer ${signerIndex}`} is not one: expected ${EXPECTED[contribution]}`)
    this.signerIndex = signerIndex
    this.contribution = contribution
  }
}

const EXPECTED: Record<ContributionKind, string> = {
  pubkey: 'a compressed point of 33 bytes',
  pubnonce: 'two compressed points, 66 bytes',
  aggnonce: 'two compressed points or 33 zero bytes for infinity, 66 bytes',
  psig: 'a number below n in 32 bytes',
}
