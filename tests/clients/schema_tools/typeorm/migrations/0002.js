module.exports = class Deploy1700000000002 {
  name = "Deploy1700000000002";

  async up(queryRunner) {
    await queryRunner.query(`CREATE TABLE "typeorm_line" ("id" SERIAL NOT NULL, "itemId" integer, CONSTRAINT "PK_2" PRIMARY KEY ("id"))`);
    await queryRunner.query(`ALTER TABLE "typeorm_item" ADD "tier" integer NOT NULL DEFAULT '1'`);
    await queryRunner.query(`ALTER TABLE "typeorm_line" ADD CONSTRAINT "FK_2" FOREIGN KEY ("itemId") REFERENCES "typeorm_item"("id") ON DELETE CASCADE ON UPDATE NO ACTION`);
  }

  async down() {}
};
