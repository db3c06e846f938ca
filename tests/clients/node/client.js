// node-postgres (CLIENT_DRIVER=pg), postgres.js, Knex or TypeORM. What it does and prints: tests/clients/README.md.
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

function withKnex() {
  const knex = require("knex")({ client: "pg", connection: CLIENT_URL, pool: { min: 1, max: 4 } });
  return {
    round: async ([client, n]) => {
      await knex("client_rows").insert({ client, n, value: 0 });
      await knex.transaction(async (one) => {
        await one("client_rows").where({ client, n }).increment("value", 1);
        await one("client_rows").where({ client, n }).increment("value", 1);
      });
      return (await knex("client_rows").where({ client, n }).first("value")).value;
    },
    end: () => knex.destroy(),
  };
}

async function withTypeorm() {
  const { DataSource, EntitySchema } = require("typeorm");
  const columns = {
    client: { type: "text", primary: true },
    n: { type: "bigint", primary: true },
    value: { type: "integer" },
  };
  const rows = new EntitySchema({ name: "client_rows", columns });
  const source = new DataSource({ type: "postgres", url: CLIENT_URL, entities: [rows], poolSize: 4 });
  await source.initialize();
  return {
    round: async ([client, n]) => {
      await source.getRepository(rows).insert({ client, n, value: 0 });
      await source.transaction(async (one) => {
        await one.increment(rows, { client, n }, "value", 1);
        await one.increment(rows, { client, n }, "value", 1);
      });
      return (await source.getRepository(rows).findOneByOrFail({ client, n })).value;
    },
    end: () => source.destroy(),
  };
}

const DRIVERS = { pg: nodePostgres, postgres: postgresJs, knex: withKnex, typeorm: withTypeorm };

async function main() {
  const driver = await DRIVERS[CLIENT_DRIVER]();
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
