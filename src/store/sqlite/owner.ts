/**
 * The holder of a job: the name of an open store, and whether a store with a name can still exist.
 *
 * A name gives the machine, the process and its start, and the length of its leases. Two stores of one process have two names.
 * On the same machine, the operating system tells whether the process lives. A live process holds its jobs, whatever the time of
 * day, unless it has not renewed its leases for their length by the monotonic clock. For another machine, the end of the lease
 * is the only evidence. An end that is further ahead than the length of a lease comes from a clock that was ahead, and does not
 * count.
 *
 * Invariant: a store counts as gone only if it is gone. Boundary: asks the operating system; the caller passes the times.
 */
import { randomUUID } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import { Limits } from "../../Limits.ts"

/** Returns the state of a process and its start. Undefined if the system does not give them. */
const processOf = (pid: number | "self"): { readonly state: string; readonly began: string } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The second field is the program's name in brackets; it may contain spaces and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { state: fields[0] ?? "", began: fields[19] ?? "" }
  } catch {
    return undefined
  }
}

/** The machine, or the container: process numbers are unique within either. */
const hostOf = (): string => {
  try {
    return `${hostname()}.${/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? ""}`
  } catch {
    return hostname()
  }
}

const host = hostOf()

/** Makes a name for a store that this process opens now. Its leases have this length. */
export const nameOwner = (leaseMs: number): string =>
  [host, process.pid, processOf("self")?.began ?? "", randomUUID(), leaseMs].join("/")

/** Describes the place of the store with a name, for messages of the store named `self`. */
export const describeOwner = (owner: string, self: string): string => {
  if (owner === self) return "this store"
  const [itsHost = "", itsPid] = owner.split("/")
  if (itsPid === undefined) return `an engine that is called ${JSON.stringify(owner)}`
  const [ownHost, ownPid] = self.split("/")
  if (itsHost !== ownHost) return `an engine in process ${itsPid} of the machine ${itsHost.replace(/\.\d*$/, "")}`
  return itsPid === ownPid ? "another engine in this process" : `an engine in process ${itsPid} of this machine`
}

const exists = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH")
  }
}

/** A process of this machine either has certainly ended or may live. Of another machine nothing is known. */
type Life = "ended" | "may live" | "unknown"

const lifeOf = (owner: string): Life => {
  const [itsHost, itsPid, itsBegan] = owner.split("/")
  const pid = Number(itsPid)
  if (itsHost !== host || !Number.isSafeInteger(pid) || pid <= 0) return "unknown"
  if (!exists(pid)) return "ended"
  const now = processOf(pid)
  if (now === undefined || itsBegan === "") return "may live"
  // A zombie keeps its number until its parent has waited for it; afterwards another process may get the number.
  return now.began !== itsBegan || now.state === "Z" || now.state === "X" ? "ended" : "may live"
}

/** The times for a check of leases. */
export interface Look {
  /** The time of day, in milliseconds since the epoch. Leases end at such times. */
  readonly now: number
  /** The length of this store's leases, in milliseconds, for owners whose names do not give theirs. */
  readonly leaseMs: number
  /** Whether an owner has not renewed its leases for their length. */
  readonly isSilent: (owner: string, leaseUntil: number) => boolean
}

const leaseOf = (owner: string, fallbackMs: number): number => {
  const leaseMs = Number(owner.split("/")[4] ?? Number.NaN)
  return leaseMs > 0 ? leaseMs : fallbackMs
}

/**
 * Makes a check whether a job is held. The check reads the job's columns, for the store named `self` at one time. One check
 * serves one read of any number of jobs, because it looks each process up once.
 */
export const holdings = (self: string, { isSilent, leaseMs, now }: Look) => {
  const lives = new Map<string, Life>()
  return (owner: string | undefined, leaseUntil: number | undefined): boolean => {
    if (owner === undefined || owner === self) return owner === self
    if (leaseUntil === undefined) return false
    const life = lives.get(owner) ?? lifeOf(owner)
    lives.set(owner, life)
    if (life === "ended") return false
    if (life === "may live") return !isSilent(owner, leaseUntil)
    // Clocks of two machines differ a little, so an end may lie up to another lease ahead.
    return leaseUntil > now && leaseUntil <= now + 2 * leaseOf(owner, leaseMs)
  }
}

/** Leases of one owner, which it renews together. */
interface Heard {
  readonly leaseUntil: number
  /** The time at which this end of the leases was first seen, by the monotonic clock. */
  readonly sinceMs: number
}

/** An owner and the end of its leases that it has not renewed for their length. */
export type Silent = readonly [owner: string, leaseUntil: number]

/**
 * The renewals of other stores that this store has seen. A process that is stopped or in an endless loop lives, but does not
 * renew its leases. After the length of a lease without a renewal, its jobs are free.
 */
export class Renewals {
  readonly #leaseMs: number
  readonly #heard = new Map<string, Heard>()

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs
  }

  /** Notes the end of an owner's leases. Returns whether that end has stayed the same for the length of a lease. */
  isSilent(owner: string, leaseUntil: number, nowMs: number): boolean {
    const heard = this.#heard.get(owner)
    if (heard?.leaseUntil === leaseUntil) return nowMs - heard.sinceMs >= leaseOf(owner, this.#leaseMs)
    this.#heard.delete(owner)
    this.#heard.set(owner, { leaseUntil, sinceMs: nowMs })
    const [oldest] = this.#heard.keys()
    if (this.#heard.size > Limits.storeOwners && oldest !== undefined) this.#heard.delete(oldest)
    return false
  }

  /** All owners that have been silent for the length of a lease. */
  silent(nowMs: number): ReadonlyArray<Silent> {
    return [...this.#heard]
      .filter(([owner, { sinceMs }]) => nowMs - sinceMs >= leaseOf(owner, this.#leaseMs))
      .map(([owner, { leaseUntil }]) => [owner, leaseUntil])
  }
}
