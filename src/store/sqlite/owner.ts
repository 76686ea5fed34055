/**
 * The holder of a job: the name of an open store, and whether the store of a name can still exist.
 *
 * A name gives the machine, the process and its start; two stores of one process have two names. On the same machine the
 * process is looked up. For another machine the end of the lease is the only evidence.
 *
 * Invariants: a store is called gone only if it is. Boundary: asks the operating system; the time comes in.
 */
import { randomUUID } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/** The state of a process and its start. Undefined where the system does not tell. */
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

/** A name for a store that this process opens now. */
export const nameOwner = (): string => [host, process.pid, processOf("self")?.began ?? "", randomUUID()].join("/")

/** Where the store of a name is, in words, as seen from the store named `self`. */
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

/** Whether the process of a name has certainly ended. */
const isGone = (owner: string): boolean => {
  const [itsHost, itsPid, itsBegan] = owner.split("/")
  const pid = Number(itsPid)
  if (itsHost !== host || !Number.isSafeInteger(pid) || pid <= 0) return false
  if (!exists(pid)) return true
  const now = processOf(pid)
  // A zombie keeps its number until its parent has waited for it; afterwards another process may get the number.
  return now !== undefined && itsBegan !== "" && (now.began !== itsBegan || now.state === "Z" || now.state === "X")
}

/**
 * Makes a check whether a job is held, by its columns, as the store named `self` sees it at a time. One check serves one read
 * of any number of jobs, because it looks each process up once.
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
