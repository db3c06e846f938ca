exports.up = async (knex) => {
  await knex.schema.alterTable("knex_items", (table) => {
    table.date("seen");
    table.text("seen_tag").references("knex_tags.tag");
  });
  await knex("knex_items").insert({ name: "the last", seen_tag: "one" });
};
exports.down = async () => {};
