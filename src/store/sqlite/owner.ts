/**
 * Who holds a job: the name of a store that is open, and whether a store of that name can still be.
 *
 * A name says on which machine, in which process and since when the store is; two stores of one process have two names.
 * On the same machine the process is looked up; of another machine nothing is known but when it was last heard of.
 *
 * Invariants: a store is only called gone if it is. Boundary: asks the operating system; the time comes in.
 */
import { randomUUID } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** The state of a process, and when it began; undefined where nothing tells. */
const processOf = (pid: number | "self"): { readonly state: string; readonly began: string } | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    // The second field is the name of the program, in brackets, and may have anything in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return { state: fields[0] ?? "", began: fields[19] ?? "" }
  } catch {
    return undefined
  }
}

/** Processes are numbered within a machine, or within a container. */
const hostOf = (): string => {
  try {
    return `${hostname()}.${/\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? ""}`
  } catch {
    return hostname()
  }
}

const host = hostOf()

/** A name for a store that is opened now by this process. */
export const nameOwner = (): string => [host, process.pid, processOf("self")?.began ?? "", randomUUID()].join("/")

/** Where the store of a name is, for people, as seen by the store of the name `self`. */
export const placeOf = (owner: string, self: string): string => {
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

/** Whether the process of that name has ended for certain. */
const isGone = (owner: string): boolean => {
  const [itsHost, itsPid, itsBegan] = owner.split("/")
  const pid = Number(itsPid)
  if (itsHost !== host || !Number.isSafeInteger(pid) || pid <= 0) return false
  if (!exists(pid)) return true
  const now = processOf(pid)
  // A process that has ended and was not waited for keeps its number; a number is given to another process.
  return now !== undefined && itsBegan !== "" && (now.began !== itsBegan || now.state === "Z" || now.state === "X")
}

/**
 * Whether a job is held, as its columns say, seen by the store of the name `self` at a time. One of these is for one look at
 * any number of jobs: a process is looked up once.
 */
export const holdings = (self: string, now: number) => {
  const gone = new Map<string, boolean>()
  return (owner: string | undefined, leaseUntil: number | undefined): boolean => {
    if (owner === undefined || owner === self) return owner === self
    if (leaseUntil === undefined || leaseUntil <= now) return false
    const isKnownGone = gone.get(owner) ?? isGone(owner)
    gone.set(owner, isKnownGone)
    return !isKnownGone
  }
}
