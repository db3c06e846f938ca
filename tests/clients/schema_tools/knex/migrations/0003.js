exports.up = async (knex) => {
  await knex("knex_lines").insert([1, 2, 3, 4, 5].map((item) => ({ item })));
  await knex.schema.alterTable("knex_lines", (table) => {
    table.string("note", 100);
    table.unique(["item", "note"]);
  });
};
exports.down = async () => {};
