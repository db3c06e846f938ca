module.exports = class Deploy1700000000004 {
  name = "Deploy1700000000004";

  async up(queryRunner) {
    await queryRunner.query(`CREATE TABLE "typeorm_item_tags" ("itemId" integer NOT NULL, "tag" text NOT NULL, CONSTRAINT "PK_4" PRIMARY KEY ("itemId", "tag"))`);
    await queryRunner.query(`ALTER TABLE "typeorm_item_tags" ADD CONSTRAINT "FK_4" FOREIGN KEY ("itemId") REFERENCES "typeorm_item"("id") ON DELETE CASCADE ON UPDATE CASCADE`);
    await queryRunner.query(`UPDATE "typeorm_line" SET "note" = 'of ' || "itemId"`);
  }

  async down() {}
};
