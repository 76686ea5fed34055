/**
 * The folders of two packages that are compared: that of this checkout, and one that is built from a commit.
 *
 * Both are made alike, so that no difference of the folders is measured: a `package.json`, a `dist`, and a link to the
 * node_modules of this checkout. So each package finds itself by its name, and both use the Effect that the benchmarks use.
 *
 * Boundary: git, tar, npm, and a temporary folder that is removed when the process ends.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { plainEnvironment, projectRoot } from "./child.ts"
import type { Packages } from "./compare.ts"

/** The commit that a name of git stands for. Undefined if there is none. */
export const commitOf = (name: string): string | undefined => {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]
  const { status, stdout } = spawnSync("git", args, { cwd: projectRoot, encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

const linkModules = (folder: string): void =>
  symlinkSync(join(projectRoot, "node_modules"), join(folder, "node_modules"))

/** A built package of its own, from the folder in which it was built. */
const copyPackage = (from: string, to: string): string => {
  mkdirSync(to)
  for (const name of ["package.json", "dist"]) cpSync(join(from, name), join(to, name), { recursive: true })
  linkModules(to)
  return to
}

const buildCommit = (commit: string, folder: string): void => {
  const archive = `${folder}.tar`
  mkdirSync(folder)
  execFileSync("git", ["archive", "--format=tar", `--output=${archive}`, commit], { cwd: projectRoot })
  execFileSync("tar", ["-xf", archive, "-C", folder])
  linkModules(folder)
  const { status, stdout } = spawnSync("npm run build", {
    cwd: folder,
    env: plainEnvironment(),
    shell: true,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8"
  })
  if (status !== 0) throw new Error(`${commit} could not be built with the node_modules of this checkout:\n${stdout}`)
}

/** The package of a commit, and the built one of this checkout. */
export const makePackages = (commit: string): Packages => {
  const folder = mkdtempSync(join(tmpdir(), "converge-against-"))
  process.once("exit", () => rmSync(folder, { recursive: true }))
  const checkout = join(folder, "checkout")
  buildCommit(commit, checkout)
  return { old: copyPackage(checkout, join(folder, "old")), new: copyPackage(projectRoot, join(folder, "new")) }
}
