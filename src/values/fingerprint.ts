/**
 * Fingerprints of a context's facts, which tell whether the context came back to an earlier state.
 *
 * A fingerprint is two mixes of 32 bits each, after MurmurHash's finaliser. It is fast, the same in every run, and rarely equal
 * by chance. It needs no cryptographic hash, because only a diagnostic depends on it. The journal's hash is in sha256.ts.
 *
 * Boundary: pure arithmetic.
 */

/** The fingerprint of a set of texts. Their order does not matter: each is either in the set or not. */
export class SetFingerprint {
  #high = 0
  #low = 0

  /** Puts a text into the set, or takes it out again. */
  toggle(...parts: ReadonlyArray<string>): void {
    let high = 0x9e3779b9
    let low = 0x85ebca6b
    for (const part of parts) {
      for (let i = 0; i < part.length; i++) {
        const unit = part.charCodeAt(i)
        high = Math.imul(high ^ unit, 0x9e3779b1)
        low = Math.imul(low ^ unit, 0x5f356495)
      }
      // The lengths count, so that parts with other boundaries have another fingerprint.
      high = Math.imul(high ^ (high >>> 16) ^ part.length, 0x85ebca6b)
      low = Math.imul(low ^ (low >>> 13) ^ part.length, 0xc2b2ae35)
    }
    this.#high ^= high ^ (low >>> 15)
    this.#low ^= low ^ (high >>> 16)
  }

  /** The fingerprint as a text: equal for equal sets. */
  get key(): string {
    return `${this.#high}/${this.#low}`
  }
}
