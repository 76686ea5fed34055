/** Bare SQLite of Node: the floor under every engine that keeps its steps in a file, and a measure of the disk's state. */
import { rmSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { diskFolder } from "../framework/diskFolder.ts"

export interface BareSqlite {
  /** Commits transactions of some rows of 120 bytes, one after the other. */
  readonly commit: (transactions: number, rows: number) => void
  readonly stop: () => Promise<void>
}

export const startSqlite = (): BareSqlite => {
  const folder = diskFolder("sqlite")
  const database = new DatabaseSync(join(folder, "rows.db"))
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (n INTEGER PRIMARY KEY, text)")
  const insert = database.prepare("INSERT INTO row (text) VALUES (?)")
  const text = "a row that is as long as the row of a small cycle".padEnd(120, ".")
  return {
    commit: (transactions, rows) => {
      for (let i = 0; i < transactions; i++) {
        database.exec("BEGIN IMMEDIATE")
        for (let row = 0; row < rows; row++) insert.run(text)
        database.exec("COMMIT")
      }
    },
    stop: async () => {
      database.close()
      rmSync(folder, { recursive: true })
    }
  }
}
