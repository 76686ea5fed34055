/**
 * Folders for files whose way to the disk is measured. Boundary: on a file system that outlives the machine's start, so
 * that fsync means something: the folder for temporary files may be in memory.
 */
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const lasting = "/var/tmp"

/** A new folder; whoever asks for it removes it. */
export const diskFolder = (name: string): string =>
  mkdtempSync(join(existsSync(lasting) ? lasting : tmpdir(), `converge-${name}-`))
