exports.up = async (knex) => {
  await knex.schema.alterTable("knex_items", (table) => {
    table.text("name").notNullable().alter();
    table.dropColumn("seen");
  });
};
exports.down = async () => {};
