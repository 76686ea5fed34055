/**
 * The ids of child jobs.
 *
 * Boundary: a pure function of names. It is apart from the other names, since it hashes: the root loads no `node:crypto`.
 */
import { Limits } from "../Limits.ts"
import { sha256 } from "../values/sha256.ts"

/**
 * Gives the ids of a job's children, by the keys of the intents that ask for them: the parent's id, a slash, and the key.
 *
 * A long id is shortened to the beginning of the parent's id and the hash of the whole, so that ids do not grow with the depth
 * of the tree. An id with lone surrogates is shortened, too: a store holds ids as UTF-8, in which all of them are the same, and
 * no URL can name them. `mayShorten` is false for the jobs of a version that did not do so: their children are stored under whole
 * ids.
 */
export const childIdsOf =
  (parent: string, mayShorten: boolean) =>
  (key: string): string => {
    const whole = `${parent}/${key}`
    const isWellFormed = whole.isWellFormed()
    if (!mayShorten || (isWellFormed && whole.length <= Limits.childIdLength)) return whole
    // As JSON, lone surrogates are told apart.
    const named = isWellFormed ? whole : JSON.stringify(whole)
    return `${parent.slice(0, Limits.childIdPrefixLength).toWellFormed()}/~${sha256(named).slice(0, 40)}`
  }
