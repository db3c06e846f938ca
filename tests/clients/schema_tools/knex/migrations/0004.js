exports.up = async (knex) => {
  await knex("knex_lines").update({ note: knex.raw("'of ' || item") });
  await knex.schema.createTable("knex_tags", (table) => {
    table.text("tag").primary();
    table.jsonb("more").defaultTo("{}");
  });
  await knex("knex_tags").insert([{ tag: "one" }, { tag: "two" }]);
};
exports.down = async () => {};
