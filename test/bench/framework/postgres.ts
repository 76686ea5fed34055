/**
 * A PostgreSQL of our own: the place of its programs, and a cluster that lives in a temporary folder for as long as this
 * process does. Boundary: processes and folders; no query is sent to the database here.
 *
 * Invariant: the server ends with this process, however that ends: a shell that reads from this process watches over it.
 */
import { execFileSync, spawn } from "node:child_process"
import { chownSync, existsSync, readdirSync } from "node:fs"
import { userInfo } from "node:os"
import { delimiter, join } from "node:path"
import { diskFolder } from "./diskFolder.ts"

/** Debian keeps the server's programs outside of the path, in a folder for each version. */
const debian = "/usr/lib/postgresql"

const places = (): ReadonlyArray<string> => [
  ...(process.env["PATH"] ?? "").split(delimiter),
  ...(existsSync(debian) ? readdirSync(debian) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(debian, version, "bin"))
]

const findPrograms = (): string | undefined =>
  places().find((place) => ["initdb", "postgres"].every((name) => existsSync(join(place, name))))

export const postgresVersion = (): string | undefined => {
  const place = findPrograms()
  if (place === undefined) return undefined
  return /\d+(?:\.\d+)*/.exec(execFileSync(join(place, "postgres"), ["--version"], { encoding: "utf8" }))?.[0]
}

/** Says how to get one if there is none. */
export const postgresMissing = (): string | undefined => {
  if (process.platform === "win32") return "the server is started by a shell, which Windows lacks"
  return findPrograms() === undefined
    ? "PostgreSQL is not installed: `apt-get install -y postgresql` as root, or have initdb and postgres in the path"
    : undefined
}

/** PostgreSQL refuses to run as root. Then it runs as the user that its package made, or as the user nobody. */
const owner = (): { readonly uid?: number; readonly gid?: number } => {
  if (userInfo().uid !== 0) return {}
  const idOf = (flag: string, name: string): number =>
    Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }))
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: idOf("-u", name), gid: idOf("-g", name) }
    } catch {
      // There is no such user.
    }
  }
  throw new Error("PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody")
}

/**
 * Runs the server until its standard input ends. Signals of the terminal go to all of its processes: the shell waits for
 * the server nevertheless, and removes the folder.
 */
const keeper = `trap "" INT TERM
"$1" -D "$2/data" -k "$2" -c listen_addresses= &
server=$!
cat > /dev/null
kill -INT $server
wait $server
rm -rf "$2"`

export interface Postgres {
  /** For any client that takes a connection string; the database need not be there yet. */
  readonly url: (database: string) => string
  readonly stop: () => Promise<void>
}

/** A new cluster with the server's own settings (fsync and synchronous_commit are on), on a socket in its folder. */
export const startPostgres = async (): Promise<Postgres> => {
  const place = findPrograms()
  if (place === undefined) throw new Error(postgresMissing())
  const folder = diskFolder("postgres")
  const options = { cwd: folder, ...owner() }
  if (options.uid !== undefined && options.gid !== undefined) chownSync(folder, options.uid, options.gid)
  const initdb = ["-D", join(folder, "data"), "-U", "bench", "--auth=trust", "--locale=C", "--encoding=UTF8"]
  execFileSync(join(place, "initdb"), initdb, { ...options, stdio: ["ignore", "ignore", "inherit"] })
  const server = spawn("sh", ["-c", keeper, "sh", join(place, "postgres"), folder], {
    ...options,
    stdio: ["pipe", "ignore", "pipe"]
  })
  const closed = new Promise<void>((resolve) => server.on("close", () => resolve()))
  let log = ""
  await new Promise<void>((resolve, reject) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (log.includes("ready to accept connections")) return
      log += text
      if (log.includes("ready to accept connections")) resolve()
      else if (log.includes("is shut down")) reject(new Error(`PostgreSQL did not start: ${log}`))
    })
    server.on("error", reject)
    void closed.then(() => reject(new Error(`PostgreSQL did not start: ${log}`)))
  })
  return {
    url: (database) => `postgresql://bench@localhost/${database}?host=${encodeURIComponent(folder)}`,
    stop: async () => {
      server.stdin.end()
      await closed
    }
  }
}
