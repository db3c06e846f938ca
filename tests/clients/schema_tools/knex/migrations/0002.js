exports.up = async (knex) => {
  await knex.schema.alterTable("knex_items", (table) => {
    table.integer("tier").notNullable().defaultTo(1).index();
  });
  await knex.schema.createTable("knex_lines", (table) => {
    table.bigIncrements();
    table.integer("item").references("knex_items.id").onDelete("CASCADE");
  });
};
exports.down = async () => {};
