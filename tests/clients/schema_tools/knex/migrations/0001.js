exports.up = async (knex) => {
  await knex.schema.createTable("knex_items", (table) => {
    table.increments();
    table.string("name").notNullable().unique();
    table.timestamps(true, true);
  });
  await knex("knex_items").insert(Array.from({ length: 20 }, (_, n) => ({ name: `item ${n}` })));
};
exports.down = async () => {};
