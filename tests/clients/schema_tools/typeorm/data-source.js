// As TypeORM's command line asks for it, with the URL from the environment.
const { DataSource } = require("typeorm");
module.exports = new DataSource({
  type: "postgres",
  url: process.env.SCHEMA_URL,
  migrations: [`${__dirname}/migrations/*.js`],
});
