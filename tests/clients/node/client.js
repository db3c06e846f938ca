// node-postgres (CLIENT_DRIVER=pg) or postgres.js. What it does and prints: tests/clients/README.md.
const fs = require("fs");
const { CLIENT_DRIVER, CLIENT_NAME, CLIENT_STOP, CLIENT_URL, CLIENT_PREPARE } = process.env;
const INSERT = "INSERT INTO client_rows (client, n, value) VALUES ($1, $2, 0)";
const UPDATE = "UPDATE client_rows SET value = value + 1 WHERE client = $1 AND n = $2";
const SELECT = "SELECT value FROM client_rows WHERE client = $1 AND n = $2";

function nodePostgres() {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: CLIENT_URL, max: 4 });
  pool.on("error", () => {}); // an idle connection that was ended is replaced
  const named = (name, text, values) => (CLIENT_PREPARE === "no" ? { text, values } : { name, text, values });
  return {
    round: async (values) => {
      await pool.query(named("insert", INSERT, values));
      const client = await pool.connect();
      try {
        await client.query("BEGIN");
        await client.query(named("update", UPDATE, values));
        await client.query(named("update", UPDATE, values));
        await client.query("COMMIT");
      } finally {
        client.release();
      }
      return (await pool.query(named("select", SELECT, values))).rows[0].value;
    },
    end: () => pool.end(),
  };
}

function postgresJs() {
  const sql = require("postgres")(CLIENT_URL, { max: 4, prepare: CLIENT_PREPARE !== "no", onnotice: () => {} });
  return {
    round: async (values) => {
      await sql.unsafe(INSERT, values, { prepare: CLIENT_PREPARE !== "no" });
      await sql.begin(async (one) => {
        await one.unsafe(UPDATE, values, { prepare: CLIENT_PREPARE !== "no" });
        await one.unsafe(UPDATE, values, { prepare: CLIENT_PREPARE !== "no" });
      });
      return (await sql.unsafe(SELECT, values, { prepare: CLIENT_PREPARE !== "no" }))[0].value;
    },
    end: () => sql.end({ timeout: 5 }),
  };
}

async function main() {
  const driver = CLIENT_DRIVER === "pg" ? nodePostgres() : postgresJs();
  const failed = [];
  let acknowledged = 0;
  let longest = 0;
  for (let n = 1; !fs.existsSync(CLIENT_STOP); n++) {
    const began = process.hrtime.bigint();
    try {
      const value = await driver.round([CLIENT_NAME, n]);
      if (value !== 2) throw new Error(`read back something else in round ${n}`);
      acknowledged++;
    } catch (error) {
      failed.push(String(error.message).split("\n")[0]);
    }
    longest = Math.max(longest, Number(process.hrtime.bigint() - began) / 1e6);
    await new Promise((resolve) => setTimeout(resolve, Number(process.env.CLIENT_REST_MS || 10)));
  }
  await driver.end();
  console.log(JSON.stringify({ acknowledged, failed, longest_ms: longest }));
}

main();
