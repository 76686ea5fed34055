/**
 * A preload that throws in the first workers that load it: in two, or as many as the URL says. The folder to count in, and the
 * code of the error, come with the URL.
 */
import { mkdirSync } from "node:fs"
import { isMainThread } from "node:worker_threads"

const { searchParams } = new URL(import.meta.url)
const folder = searchParams.get("folder")
const code = searchParams.get("code")
const names = Array.from({ length: Number(searchParams.get("times") ?? 2) }, (_, index) => String(index))

const isFirst = (name) => {
  try {
    mkdirSync(`${folder}/${name}`)
    return true
  } catch {
    return false
  }
}

if (!isMainThread && names.some(isFirst)) {
  throw code === null ? new Error("not yet") : Object.assign(new Error(`${code}: too many open files`), { code })
}
