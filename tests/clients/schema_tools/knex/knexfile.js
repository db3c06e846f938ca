// As `knex init` makes it, with the URL from the environment.
module.exports = { client: "pg", connection: process.env.SCHEMA_URL };
